/* A driver in C, complete but for what is optional: ordered entries in memory, snapshots by sharing one sorted array. */
#include "netabase_driver.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct blob {
    atomic_size_t users;
    size_t length;
    uint8_t bytes[];
} blob;

typedef struct entry {
    uint32_t tree;
    blob *key;
    blob *value;
} entry;

/* Sorted by tree and key. Not changed any more once it is shared. */
typedef struct image {
    atomic_size_t users;
    size_t count;
    size_t capacity;
    entry *entries;
} image;

struct netabase_store {
    atomic_size_t users;
    pthread_mutex_t lock;
    pthread_cond_t writer_left;
    int writing;
    image *current;
    blob **names;
    size_t names_count;
};

struct netabase_transaction {
    atomic_size_t users;
    netabase_store *store;
    image *image;
    int writes;
    int ended;
    int owns_image;
    uint32_t *trees;
    size_t trees_count;
};

enum start { AT_BOUND, AT_KEY, AFTER_KEY };

struct netabase_cursor {
    netabase_transaction *transaction;
    uint32_t tree;
    int backward;
    uint32_t lower_kind, upper_kind;
    blob *lower, *upper, *key;
    enum start start;
    int ended;
};

static uint32_t fail(netabase_error_buffer *error, uint32_t status, const char *message) {
    if (error != NULL) {
        size_t length = strlen(message);
        error->length = length;
        memcpy(error->message, message, length < error->capacity ? length : error->capacity);
    }
    return status;
}

static blob *blob_new(netabase_slice bytes) {
    blob *made = malloc(sizeof(blob) + bytes.length);
    atomic_init(&made->users, 1);
    made->length = bytes.length;
    if (bytes.length > 0) memcpy(made->bytes, bytes.data, bytes.length);
    return made;
}

static blob *blob_share(blob *shared) {
    if (shared != NULL) shared->users++;
    return shared;
}

static void blob_drop(blob *dropped) {
    if (dropped != NULL && --dropped->users == 0) free(dropped);
}

static netabase_slice slice_of(const blob *from) {
    netabase_slice slice = { from->bytes, from->length };
    return slice;
}

static void image_drop(image *dropped) {
    if (--dropped->users > 0) return;
    for (size_t i = 0; i < dropped->count; i++) {
        blob_drop(dropped->entries[i].key);
        blob_drop(dropped->entries[i].value);
    }
    free(dropped->entries);
    free(dropped);
}

static int compare(const entry *with, uint32_t tree, netabase_slice key) {
    if (with->tree != tree) return with->tree < tree ? -1 : 1;
    size_t shorter = with->key->length < key.length ? with->key->length : key.length;
    int order = shorter == 0 ? 0 : memcmp(with->key->bytes, key.data, shorter);
    if (order != 0) return order;
    return (with->key->length > key.length) - (with->key->length < key.length);
}

/* The first entry at the key or, with `after`, behind it. */
static size_t find(const image *in, uint32_t tree, netabase_slice key, int after) {
    size_t low = 0, high = in->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(&in->entries[middle], tree, key);
        if (order < 0 || (after && order == 0)) low = middle + 1;
        else high = middle;
    }
    return low;
}

static int is_at(const image *in, size_t index, uint32_t tree, netabase_slice key) {
    return index < in->count && compare(&in->entries[index], tree, key) == 0;
}

static void store_drop(netabase_store *store) {
    if (--store->users > 0) return;
    image_drop(store->current);
    for (size_t i = 0; i < store->names_count; i++) blob_drop(store->names[i]);
    free(store->names);
    pthread_cond_destroy(&store->writer_left);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static uint32_t store_open(const netabase_open_config *config, netabase_store **store, netabase_error_buffer *error) {
    if (config->path.length > 0) return fail(error, NETABASE_INVALID_INPUT, "nothing is kept on disk; leave the path empty");
    if (config->options_length > 0) {
        char message[128];
        netabase_slice name = config->options[0].name;
        snprintf(message, sizeof message, "there are no options; remove `%.*s`", (int)name.length, (const char *)name.data);
        return fail(error, NETABASE_INVALID_INPUT, message);
    }
    if (config->flags & ~(uint64_t)(NETABASE_OPEN_CREATE_IF_MISSING | NETABASE_OPEN_TRUNCATE))
        return fail(error, NETABASE_UNSUPPORTED, "there is no cache, no read-only, and nothing newer");
    if (!(config->flags & NETABASE_OPEN_CREATE_IF_MISSING))
        return fail(error, NETABASE_NOT_FOUND, "a database in memory is never there before it is created");
    netabase_store *made = calloc(1, sizeof *made);
    atomic_init(&made->users, 1);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->writer_left, NULL);
    made->current = calloc(1, sizeof *made->current);
    atomic_init(&made->current->users, 1);
    *store = made;
    return NETABASE_OK;
}

static uint32_t store_begin(netabase_store *store, uint32_t mode, netabase_transaction **transaction,
                            netabase_error_buffer *error) {
    (void)error;
    netabase_transaction *made = calloc(1, sizeof *made);
    atomic_init(&made->users, 1);
    store->users++;
    made->store = store;
    made->writes = mode == NETABASE_BEGIN_WRITE;
    pthread_mutex_lock(&store->lock);
    while (made->writes && store->writing) pthread_cond_wait(&store->writer_left, &store->lock);
    store->writing |= made->writes;
    made->image = store->current;
    made->image->users++;
    pthread_mutex_unlock(&store->lock);
    *transaction = made;
    return NETABASE_OK;
}

static void end(netabase_transaction *transaction, int commits) {
    netabase_store *store = transaction->store;
    if (transaction->ended || !transaction->writes) return;
    transaction->ended = 1;
    pthread_mutex_lock(&store->lock);
    if (commits) {
        image_drop(store->current);
        store->current = transaction->image;
        store->current->users++;
    }
    store->writing = 0;
    pthread_cond_signal(&store->writer_left);
    pthread_mutex_unlock(&store->lock);
}

static void transaction_drop(netabase_transaction *transaction) {
    if (--transaction->users > 0) return;
    image_drop(transaction->image);
    store_drop(transaction->store);
    free(transaction->trees);
    free(transaction);
}

static void txn_close(netabase_transaction *transaction) {
    end(transaction, 0);
    transaction_drop(transaction);
}

static uint32_t txn_tree(netabase_transaction *transaction, netabase_slice name, uint32_t key_width,
                         uint32_t value_width, uint32_t *tree, netabase_error_buffer *error) {
    netabase_store *store = transaction->store;
    uint32_t found = 0;
    (void)key_width;
    (void)value_width;
    if (transaction->ended) return fail(error, NETABASE_CLOSED, "the transaction has ended");
    pthread_mutex_lock(&store->lock);
    while (found < store->names_count && (store->names[found]->length != name.length ||
                                          memcmp(store->names[found]->bytes, name.data, name.length) != 0))
        found++;
    if (found == store->names_count) {
        store->names = realloc(store->names, (found + 1) * sizeof *store->names);
        store->names[store->names_count++] = blob_new(name);
    }
    pthread_mutex_unlock(&store->lock);
    for (*tree = 0; *tree < transaction->trees_count; ++*tree)
        if (transaction->trees[*tree] == found) return NETABASE_OK;
    transaction->trees = realloc(transaction->trees, (*tree + 1) * sizeof *transaction->trees);
    transaction->trees[transaction->trees_count++] = found;
    return NETABASE_OK;
}

/* What stands in the way of using a tree; turns its id into the store's. */
static uint32_t check(const netabase_transaction *transaction, uint32_t *tree, netabase_error_buffer *error) {
    if (transaction->ended) return fail(error, NETABASE_CLOSED, "the transaction has ended");
    if (*tree >= transaction->trees_count)
        return fail(error, NETABASE_INVALID_INPUT, "the id of a tree does not belong to this transaction");
    *tree = transaction->trees[*tree];
    return NETABASE_OK;
}

static uint32_t show(const image *in, size_t index, uint32_t tree, netabase_slice key, netabase_visit visit,
                     netabase_context *context) {
    if (!is_at(in, index, tree, key)) return NETABASE_ABSENT;
    if (visit != NULL) visit(context, slice_of(in->entries[index].value));
    return NETABASE_OK;
}

static uint32_t txn_get(netabase_transaction *transaction, uint32_t tree, netabase_slice key, netabase_visit visit,
                        netabase_context *context, netabase_error_buffer *error) {
    uint32_t status = check(transaction, &tree, error);
    if (status != NETABASE_OK) return status;
    return show(transaction->image, find(transaction->image, tree, key, 0), tree, key, visit, context);
}

/* A transaction's first write gives it an array of its own. */
static image *own(netabase_transaction *transaction) {
    image *shared = transaction->image;
    if (transaction->owns_image) return shared;
    image *made = calloc(1, sizeof *made);
    atomic_init(&made->users, 1);
    made->count = made->capacity = shared->count;
    made->entries = malloc((shared->count + 1) * sizeof *made->entries);
    for (size_t i = 0; i < shared->count; i++) {
        made->entries[i] = shared->entries[i];
        blob_share(made->entries[i].key);
        blob_share(made->entries[i].value);
    }
    image_drop(shared);
    transaction->image = made;
    transaction->owns_image = 1;
    return made;
}

static void cut(image *from, size_t begin, size_t finish) {
    for (size_t i = begin; i < finish; i++) {
        blob_drop(from->entries[i].key);
        blob_drop(from->entries[i].value);
    }
    memmove(from->entries + begin, from->entries + finish, (from->count - finish) * sizeof *from->entries);
    from->count -= finish - begin;
}

static uint32_t txn_put(netabase_transaction *transaction, uint32_t tree, netabase_slice key, netabase_slice value,
                        netabase_visit previous, netabase_context *context, netabase_error_buffer *error) {
    uint32_t status = check(transaction, &tree, error);
    if (status != NETABASE_OK) return status;
    image *in = own(transaction);
    size_t index = find(in, tree, key, 0);
    status = show(in, index, tree, key, previous, context);
    if (status == NETABASE_OK) {
        blob_drop(in->entries[index].value);
        in->entries[index].value = blob_new(value);
        return status;
    }
    if (in->count >= in->capacity) {
        in->capacity = in->capacity * 2 + 8;
        in->entries = realloc(in->entries, in->capacity * sizeof *in->entries);
    }
    memmove(in->entries + index + 1, in->entries + index, (in->count - index) * sizeof *in->entries);
    in->entries[index] = (entry){ tree, blob_new(key), blob_new(value) };
    in->count++;
    return status;
}

static uint32_t txn_remove(netabase_transaction *transaction, uint32_t tree, netabase_slice key, netabase_visit previous,
                           netabase_context *context, netabase_error_buffer *error) {
    uint32_t status = check(transaction, &tree, error);
    if (status != NETABASE_OK) return status;
    image *in = own(transaction);
    size_t index = find(in, tree, key, 0);
    status = show(in, index, tree, key, previous, context);
    if (status == NETABASE_OK) cut(in, index, index + 1);
    return status;
}

static const netabase_slice nothing = { NULL, 0 };

static uint32_t txn_clear(netabase_transaction *transaction, uint32_t tree, netabase_error_buffer *error) {
    uint32_t status = check(transaction, &tree, error);
    if (status != NETABASE_OK) return status;
    image *in = own(transaction);
    cut(in, find(in, tree, nothing, 0), find(in, tree + 1, nothing, 0));
    return NETABASE_OK;
}

static uint32_t txn_len(netabase_transaction *transaction, uint32_t tree, uint64_t *entries,
                        netabase_error_buffer *error) {
    uint32_t status = check(transaction, &tree, error);
    if (status != NETABASE_OK) return status;
    *entries = find(transaction->image, tree + 1, nothing, 0) - find(transaction->image, tree, nothing, 0);
    return NETABASE_OK;
}

static uint32_t txn_commit(netabase_transaction *transaction, uint32_t durability, netabase_error_buffer *error) {
    (void)durability;
    if (transaction->ended) return fail(error, NETABASE_CLOSED, "the transaction has ended");
    end(transaction, 1);
    return NETABASE_OK;
}

static uint32_t cursor_open(netabase_transaction *transaction, uint32_t tree, const netabase_bounds *bounds,
                            uint32_t direction, netabase_cursor **cursor, netabase_error_buffer *error) {
    uint32_t status = check(transaction, &tree, error);
    if (status != NETABASE_OK) return status;
    netabase_cursor *made = calloc(1, sizeof *made);
    transaction->users++;
    made->transaction = transaction;
    made->tree = tree;
    made->backward = direction == NETABASE_BACKWARD;
    made->lower_kind = bounds->lower.kind;
    made->upper_kind = bounds->upper.kind;
    if (made->lower_kind != NETABASE_BOUND_UNBOUNDED) made->lower = blob_new(bounds->lower.key);
    if (made->upper_kind != NETABASE_BOUND_UNBOUNDED) made->upper = blob_new(bounds->upper.key);
    *cursor = made;
    return NETABASE_OK;
}

static uint32_t cursor_next(netabase_cursor *cursor, netabase_slice *key, netabase_slice *value,
                            netabase_error_buffer *error) {
    const image *in = cursor->transaction->image;
    uint32_t tree = cursor->tree;
    if (cursor->transaction->ended) return fail(error, NETABASE_CLOSED, "the transaction has ended");
    if (cursor->ended) return NETABASE_ABSENT;
    /* What lies within the bounds, then what is left of it. */
    size_t begin = cursor->lower == NULL ? find(in, tree, nothing, 0)
                                         : find(in, tree, slice_of(cursor->lower),
                                                cursor->lower_kind == NETABASE_BOUND_EXCLUDED);
    size_t finish = cursor->upper == NULL ? find(in, tree + 1, nothing, 0)
                                          : find(in, tree, slice_of(cursor->upper),
                                                 cursor->upper_kind == NETABASE_BOUND_INCLUDED);
    if (cursor->start != AT_BOUND) {
        size_t here = find(in, tree, slice_of(cursor->key), (cursor->start == AFTER_KEY) != cursor->backward);
        if (!cursor->backward && here > begin) begin = here;
        if (cursor->backward && here < finish) finish = here;
    }
    if (begin >= finish) {
        cursor->ended = 1;
        return NETABASE_ABSENT;
    }
    const entry *found = &in->entries[cursor->backward ? finish - 1 : begin];
    blob_drop(cursor->key);
    cursor->key = blob_share(found->key);
    cursor->start = AFTER_KEY;
    *key = slice_of(found->key);
    *value = slice_of(found->value);
    return NETABASE_OK;
}

static uint32_t cursor_seek(netabase_cursor *cursor, netabase_slice key, netabase_error_buffer *error) {
    if (cursor->transaction->ended) return fail(error, NETABASE_CLOSED, "the transaction has ended");
    blob_drop(cursor->key);
    cursor->key = blob_new(key);
    cursor->start = AT_KEY;
    cursor->ended = 0;
    return NETABASE_OK;
}

static void cursor_close(netabase_cursor *cursor) {
    blob_drop(cursor->lower);
    blob_drop(cursor->upper);
    blob_drop(cursor->key);
    transaction_drop(cursor->transaction);
    free(cursor);
}

static const netabase_vtable vtable = {
    .open = store_open,
    .store_close = store_drop,
    .store_begin = store_begin,
    .txn_close = txn_close,
    .txn_tree = txn_tree,
    .txn_get = txn_get,
    .txn_put = txn_put,
    .txn_remove = txn_remove,
    .txn_commit = txn_commit,
    .cursor_open = cursor_open,
    .cursor_next = cursor_next,
    .cursor_close = cursor_close,
    .cursor_seek = cursor_seek,
    .txn_len = txn_len,
    .txn_clear = txn_clear,
};

#define TEXT(text) { (const uint8_t *)text, sizeof text - 1 }

static const netabase_manifest manifest = {
    .size = sizeof(netabase_manifest),
    .engine = TEXT("sorted array"),
    .engine_version = TEXT("1"),
    .capabilities = NETABASE_SNAPSHOTS | NETABASE_ZERO_COPY,
};

NETABASE_EXPORT const netabase_entry netabase_driver_zoo_c = {
    .magic = NETABASE_MAGIC,
    .abi_major = NETABASE_ABI_MAJOR,
    .abi_minor = NETABASE_ABI_MINOR,
    .entry_size = sizeof(netabase_entry),
    .vtable_size = sizeof(netabase_vtable),
    .name = TEXT("zoo-c"),
    .version = TEXT("1"),
    .manifest = &manifest,
    .vtable = &vtable,
};
