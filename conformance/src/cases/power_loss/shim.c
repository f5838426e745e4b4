/* What a process makes durable: a library that is preloaded into it and records each call that does so.
 *
 * What was not synchronised is taken to be lost when the power is cut. So only these calls change what is on the disk:
 * fsync and fdatasync of a file (its bytes) or of a folder (its names), msync, sync and syncfs, and writes to files that
 * were opened with O_SYNC or O_DSYNC. Each is recorded with what it makes durable, in the order in which they were made,
 * together with what the process writes to its standard output. Nothing is synchronised in fact.
 *
 * Syncs can be held as well, for as long as another thread looks what goes on meanwhile.
 *
 * A record is its kind, an inode, an offset and a length, of 8 bytes each in the machine's order, and then the bytes:
 *   F  a file: all of its bytes
 *   R  a range of a file
 *   D  a folder: for each name, the inode, 1 for a folder and 0 for a file, the length of the name (8 bytes each), the name
 *   C  a file or folder that was created: what was known of this inode is of another one
 *   A  what was written to the standard output
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int record_file = -1;
static const char *root;
/* Whether a file, by its descriptor, was opened with O_DSYNC. */
static char writes_through[FILES];

static void *next(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

#define NEXT(type, name) \
    static __typeof__(type) real; \
    if (!real) real = (__typeof__(type))next(name)

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("NETABASE_POWER_RECORD");
    root = getenv("NETABASE_POWER_ROOT");
    if (path && root)
        record_file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* A record that cannot be written would look like a call that was not made. */
static void put(const void *bytes, size_t length) {
    const char *rest = bytes;
    while (length > 0) {
        ssize_t written = syscall(SYS_write, record_file, rest, length);
        if (written < 0) {
            if (errno == EINTR) continue;
            abort();
        }
        rest += written;
        length -= written;
    }
}

static void put_record(char kind, uint64_t inode, uint64_t offset, const void *bytes, uint64_t length) {
    uint64_t head[4] = {(uint64_t)kind, inode, offset, length};
    put(head, sizeof head);
    put(bytes, length);
}

/* Whether a file lies below the folder whose fate is recorded. */
static int is_below_root(int file) {
    char link[64], path[4096];
    if (record_file < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    size_t of_root = strlen(root);
    return strncmp(path, root, of_root) == 0 && (path[of_root] == '/' || path[of_root] == 0);
}

/* The same file, opened anew for reading. */
static int reopened(int file, int flags) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    return syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC | flags);
}

static void record_range(char kind, int file, uint64_t inode, uint64_t offset, uint64_t length) {
    char *bytes = malloc(length ? length : 1);
    int reading = reopened(file, 0);
    uint64_t done = 0;
    if (!bytes || reading < 0) abort();
    while (done < length) {
        ssize_t count = syscall(SYS_pread64, reading, bytes + done, length - done, offset + done);
        if (count <= 0) break;
        done += count;
    }
    syscall(SYS_close, reading);
    put_record(kind, inode, offset, bytes, done);
    free(bytes);
}

static void record_folder(int file, uint64_t inode) {
    int reading = reopened(file, O_DIRECTORY);
    DIR *folder = reading < 0 ? NULL : fdopendir(reading);
    char *names = NULL;
    size_t length = 0;
    struct dirent *entry;
    FILE *all = open_memstream(&names, &length);
    if (!folder || !all) abort();
    while ((entry = readdir(folder))) {
        struct stat found;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (fstatat(dirfd(folder), entry->d_name, &found, AT_SYMLINK_NOFOLLOW)) continue;
        uint64_t head[3] = {found.st_ino, S_ISDIR(found.st_mode), strlen(entry->d_name)};
        fwrite(head, sizeof head, 1, all);
        fwrite(entry->d_name, head[2], 1, all);
    }
    fclose(all);
    closedir(folder);
    put_record('D', inode, 0, names, length);
    free(names);
}

static void record_sync(int file) {
    struct stat found;
    if (fstat(file, &found)) return;
    if (S_ISDIR(found.st_mode)) record_folder(file, found.st_ino);
    if (S_ISREG(found.st_mode)) record_range('F', file, found.st_ino, 0, found.st_size);
}

static void record_all(const char *path) {
    int file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    record_sync(file);
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char below[4096];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        record_all(below);
    }
    if (folder) closedir(folder);
    syscall(SYS_close, file);
}

/* While a file is there whose name NETABASE_POWER_HOLD gives, a sync does not return. That it is held shows in a second file,
 * with `.held` behind the name. A process that waits for a sync that waits for it goes on after a while: the first file is
 * removed then. */
static void be_held(void) {
    const char *hold = getenv("NETABASE_POWER_HOLD");
    char held[4096];
    if (!hold || access(hold, F_OK)) return;
    snprintf(held, sizeof held, "%s.held", hold);
    syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, held, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    for (int tries = 0; tries < 5000; tries++) {
        if (access(hold, F_OK)) return;
        usleep(1000);
    }
    unlink(hold);
}

static int sync_file(int file, int (*real)(int)) {
    if (!is_below_root(file)) return real(file);
    be_held();
    pthread_mutex_lock(&turn);
    record_sync(file);
    pthread_mutex_unlock(&turn);
    return 0;
}

int fsync(int file) {
    NEXT(int (*)(int), "fsync");
    return sync_file(file, real);
}

int fdatasync(int file) {
    NEXT(int (*)(int), "fdatasync");
    return sync_file(file, real);
}

void sync(void) {
    if (record_file < 0) return;
    pthread_mutex_lock(&turn);
    record_all(root);
    pthread_mutex_unlock(&turn);
}

int syncfs(int file) {
    (void)file;
    sync();
    return 0;
}

int msync(void *address, size_t length, int flags) {
    NEXT(int (*)(void *, size_t, int), "msync");
    if (record_file < 0 || !(flags & MS_SYNC)) return real(address, length, flags);
    be_held();
    pthread_mutex_lock(&turn);
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[4608];
    uintptr_t from = (uintptr_t)address, to = from + length;
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long start, end, offset;
        int name = 0;
        if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %n", &start, &end, &offset, &name) < 3) continue;
        if (end <= from || start >= to || !name || line[name] != '/') continue;
        line[strcspn(line, "\n")] = 0;
        int file = syscall(SYS_openat, AT_FDCWD, line + name, O_RDONLY | O_CLOEXEC);
        struct stat found;
        if (file < 0) continue;
        if (is_below_root(file) && !fstat(file, &found)) {
            uintptr_t first = start > from ? start : from, last = end < to ? end : to;
            record_range('R', file, found.st_ino, offset + (first - start), last - first);
        }
        syscall(SYS_close, file);
    }
    if (maps) fclose(maps);
    pthread_mutex_unlock(&turn);
    return 0;
}

static int opened(int file, int flags, int is_new) {
    struct stat found;
    if (file < 0) return file;
    if (file < FILES) writes_through[file] = (flags & O_DSYNC) != 0;
    if (is_new && is_below_root(file) && !fstat(file, &found)) {
        pthread_mutex_lock(&turn);
        put_record('C', found.st_ino, 0, NULL, 0);
        pthread_mutex_unlock(&turn);
    }
    return file;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    struct stat found;
    int is_new = (flags & O_CREAT) && fstatat(folder, path, &found, 0) && errno == ENOENT;
    int file = syscall(SYS_openat, folder, path, flags, mode);
    return opened(file, flags, is_new);
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    MODE(flags)
    return open_at(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    MODE(flags)
    return open_at(folder, path, flags | O_LARGEFILE, mode);
}

int close(int file) {
    if (file >= 0 && file < FILES) writes_through[file] = 0;
    return syscall(SYS_close, file);
}

int mkdir(const char *path, mode_t mode) {
    struct stat found;
    int result = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (result == 0 && record_file >= 0 && !stat(path, &found)) {
        pthread_mutex_lock(&turn);
        put_record('C', found.st_ino, 0, NULL, 0);
        pthread_mutex_unlock(&turn);
    }
    return result;
}

/* What a write to a file has made durable, if it was opened for that. */
static ssize_t written(int file, ssize_t length, off_t offset, int through) {
    struct stat found;
    if (length > 0 && is_below_root(file) && (through || (file < FILES && writes_through[file])) && !fstat(file, &found)) {
        int error = errno;
        be_held();
        pthread_mutex_lock(&turn);
        if (offset < 0) offset = lseek(file, 0, SEEK_CUR) - length;
        record_range('R', file, found.st_ino, offset, length);
        pthread_mutex_unlock(&turn);
        errno = error;
    }
    return length;
}

ssize_t write(int file, const void *bytes, size_t length) {
    if (file == STDOUT_FILENO && record_file >= 0) {
        pthread_mutex_lock(&turn);
        put_record('A', 0, 0, bytes, length);
        pthread_mutex_unlock(&turn);
    }
    return written(file, syscall(SYS_write, file, bytes, length), -1, 0);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    return written(file, syscall(SYS_writev, file, parts, count), -1, 0);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
    return written(file, syscall(SYS_pwrite64, file, bytes, length, offset), offset, 0);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    return written(file, syscall(SYS_pwrite64, file, bytes, length, offset), offset, 0);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
    NEXT(ssize_t (*)(int, const struct iovec *, int, off_t), "pwritev");
    return written(file, real(file, parts, count, offset), offset, 0);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
    NEXT(ssize_t (*)(int, const struct iovec *, int, off64_t), "pwritev64");
    return written(file, real(file, parts, count, offset), offset, 0);
}

ssize_t pwritev2(int file, const struct iovec *parts, int count, off_t offset, int flags) {
    NEXT(ssize_t (*)(int, const struct iovec *, int, off_t, int), "pwritev2");
    return written(file, real(file, parts, count, offset, flags), offset, flags & (RWF_DSYNC | RWF_SYNC));
}
