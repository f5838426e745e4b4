/*
 * A driver of netabase_store in C11: databases in memory.
 *
 * A database is a list of trees, each a map whose versions share what they have in common (`tree.h`). A read transaction
 * holds the list as it was when the transaction began. A write transaction works on a list of its own, and its commit puts
 * that in the place of the database's.
 *
 * Each function of the table at the end is explained in docs/abi.md.
 */
#include "netabase_driver.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

typedef struct tree {
    bytes *name;
    node *root;
} tree;

/* The trees of a database as they were at one time. Nobody changes what several own. */
typedef struct snapshot {
    atomic_size_t owners;
    size_t count;
    tree *trees;
} snapshot;

struct netabase_database {
    /* The handle that the host has, and every transaction. */
    atomic_size_t owners;
    pthread_mutex_t lock;
    /* Behind the lock: what was committed last, and whether there is a write transaction. */
    snapshot *current;
    bool is_written;
    pthread_cond_t writer_left;
};

/* A tree as a transaction knows it; its place in the transaction's list is its id. */
typedef struct known_tree {
    bytes *name;
    /* Its place in the snapshot, or `NOWHERE` as long as nobody wrote to it. */
    size_t place;
} known_tree;

#define NOWHERE SIZE_MAX

struct netabase_transaction {
    /* The handle that the host has, and every cursor. */
    atomic_size_t owners;
    netabase_database *store;
    bool writes;
    /* A write transaction's own; NULL once that has ended. */
    snapshot *snapshot;
    known_tree *known;
    size_t known_count;
};

/* Where a cursor goes on: one of its bounds, or a key. */
typedef struct edge {
    uint32_t kind; /* NETABASE_BOUND_... */
    bytes *key;    /* NULL if unbounded */
} edge;

struct netabase_cursor {
    netabase_transaction *transaction;
    uint32_t tree;
    bool backward;
    edge lower;
    edge upper;
    edge next;
    bool ended;
};

/* Writes a text for people to the host's buffer, as much of it as there is room for. */
static uint32_t fail(netabase_error_buffer *error, uint32_t status, const char *format, ...) {
    if (error == NULL) return status;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) return status;
    size_t written = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    size_t room = written < error->capacity ? written : error->capacity;
    /* Where there is no room, the pointer may be null, which memcpy does not take. */
    if (room > 0) memcpy(error->message, text, room);
    error->length = written;
    return status;
}

static uint32_t no_memory(netabase_error_buffer *error) {
    return fail(error, NETABASE_LIMIT_EXCEEDED, "there is no memory left; hold less in it");
}

static uint32_t has_ended(netabase_error_buffer *error) {
    return fail(error, NETABASE_CLOSED, "the transaction has ended; begin another one");
}

static void snapshot_drop(snapshot *dropped) {
    if (dropped == NULL || atomic_fetch_sub(&dropped->owners, 1) > 1) return;
    for (size_t i = 0; i < dropped->count; i++) {
        bytes_drop(dropped->trees[i].name);
        tree_drop(dropped->trees[i].root);
    }
    free(dropped->trees);
    free(dropped);
}

/* A list of the same trees, with one owner. `with` may be NULL. */
static snapshot *snapshot_copy(const snapshot *with) {
    size_t count = with == NULL ? 0 : with->count;
    snapshot *made = malloc(sizeof *made);
    tree *trees = malloc((count + 1) * sizeof *trees);
    if (made == NULL || trees == NULL) {
        free(made);
        free(trees);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        trees[i].name = bytes_share(with->trees[i].name);
        trees[i].root = tree_share(with->trees[i].root);
    }
    atomic_init(&made->owners, 1);
    made->count = count;
    made->trees = trees;
    return made;
}

static bool is_named(const bytes *name, netabase_slice wanted) {
    return slice_compare(bytes_slice(name), wanted) == 0;
}

static size_t snapshot_place(const snapshot *in, netabase_slice name) {
    for (size_t i = 0; i < in->count; i++)
        if (is_named(in->trees[i].name, name)) return i;
    return NOWHERE;
}

static void store_drop(netabase_database *store) {
    if (atomic_fetch_sub(&store->owners, 1) > 1) return;
    snapshot_drop(store->current);
    pthread_cond_destroy(&store->writer_left);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static uint32_t store_open(const netabase_open_config *config, netabase_database **store, netabase_error_buffer *error) {
    const uint64_t honoured = NETABASE_OPEN_CREATE_IF_MISSING | NETABASE_OPEN_TRUNCATE;
    if (config->location.length > 0)
        return fail(error, NETABASE_INVALID_INPUT, "nothing is kept on disk; leave the location empty");
    if (config->options_length > 0) {
        netabase_slice name = config->options[0].name;
        int shown = name.length < 100 ? (int)name.length : 100;
        return fail(error, NETABASE_INVALID_INPUT, "there is no option `%.*s`, nor any other; leave it away", shown,
                    name.length > 0 ? (const char *)name.data : "");
    }
    if (config->flags & NETABASE_OPEN_CACHE_BYTES)
        return fail(error, NETABASE_UNSUPPORTED, "all is in memory; leave the size of the cache away");
    if (config->flags & NETABASE_OPEN_READ_ONLY)
        return fail(error, NETABASE_UNSUPPORTED, "a database in memory begins empty; leave `read_only` off");
    if (config->flags & ~honoured)
        return fail(error, NETABASE_UNSUPPORTED, "a flag is set that this driver does not know; use a newer one");
    if (!(config->flags & NETABASE_OPEN_CREATE_IF_MISSING))
        return fail(error, NETABASE_NOT_FOUND, "a database in memory is never there before it is opened; create it");
    netabase_database *made = malloc(sizeof *made);
    snapshot *empty = snapshot_copy(NULL);
    if (made == NULL || empty == NULL) goto no_memory;
    if (pthread_mutex_init(&made->lock, NULL) != 0) goto no_memory;
    if (pthread_cond_init(&made->writer_left, NULL) != 0) {
        pthread_mutex_destroy(&made->lock);
        goto no_memory;
    }
    atomic_init(&made->owners, 1);
    made->current = empty;
    made->is_written = false;
    *store = made;
    return NETABASE_OK;

no_memory:
    free(made);
    snapshot_drop(empty);
    return no_memory(error);
}

static void transaction_drop(netabase_transaction *transaction) {
    if (atomic_fetch_sub(&transaction->owners, 1) > 1) return;
    snapshot_drop(transaction->snapshot);
    store_drop(transaction->store);
    for (size_t i = 0; i < transaction->known_count; i++) bytes_drop(transaction->known[i].name);
    free(transaction->known);
    free(transaction);
}

static uint32_t database_begin(netabase_database *store, uint32_t mode, netabase_transaction **transaction,
                            netabase_error_buffer *error) {
    netabase_transaction *made = calloc(1, sizeof *made);
    if (made == NULL) return no_memory(error);
    atomic_init(&made->owners, 1);
    atomic_fetch_add(&store->owners, 1);
    made->store = store;
    made->writes = mode == NETABASE_BEGIN_WRITE;
    pthread_mutex_lock(&store->lock);
    if (made->writes) {
        while (store->is_written) pthread_cond_wait(&store->writer_left, &store->lock);
        store->is_written = true;
    }
    made->snapshot = store->current;
    atomic_fetch_add(&made->snapshot->owners, 1);
    pthread_mutex_unlock(&store->lock);
    *transaction = made;
    return NETABASE_OK;
}

/* Ends a write transaction, and shows others what it wrote if it commits. The next one goes on. */
static void end(netabase_transaction *transaction, bool commits) {
    netabase_database *store = transaction->store;
    snapshot *dropped = transaction->snapshot;
    transaction->snapshot = NULL;
    pthread_mutex_lock(&store->lock);
    if (commits) {
        snapshot *replaced = store->current;
        store->current = dropped;
        dropped = replaced;
    }
    store->is_written = false;
    pthread_cond_signal(&store->writer_left);
    pthread_mutex_unlock(&store->lock);
    /* Outside of the lock: much may go with it. */
    snapshot_drop(dropped);
}

static void txn_close(netabase_transaction *transaction) {
    if (transaction->writes && transaction->snapshot != NULL) end(transaction, false);
    transaction_drop(transaction);
}

static uint32_t txn_commit(netabase_transaction *transaction, uint32_t durability, netabase_visit token,
                           netabase_context *context, netabase_error_buffer *error) {
    (void)durability; /* Nothing here outlives the process. */
    (void)token;      /* The outcome is always known. */
    (void)context;
    if (!transaction->writes)
        return fail(error, NETABASE_INVALID_INPUT, "a read transaction has nothing to commit; close it");
    if (transaction->snapshot == NULL) return has_ended(error);
    end(transaction, true);
    return NETABASE_OK;
}

static uint32_t txn_tree(netabase_transaction *transaction, netabase_slice name, uint32_t key_width,
                         uint32_t value_width, uint32_t *id, netabase_error_buffer *error) {
    (void)key_width;
    (void)value_width;
    if (transaction->snapshot == NULL) return has_ended(error);
    size_t count = transaction->known_count;
    for (size_t i = 0; i < count; i++) {
        if (is_named(transaction->known[i].name, name)) {
            *id = (uint32_t)i;
            return NETABASE_OK;
        }
    }
    if (count >= UINT32_MAX) return no_memory(error);
    known_tree *known = realloc(transaction->known, (count + 1) * sizeof *known);
    if (known == NULL) return no_memory(error);
    transaction->known = known;
    known[count].name = bytes_copy(name);
    if (known[count].name == NULL) return no_memory(error);
    known[count].place = snapshot_place(transaction->snapshot, name);
    transaction->known_count = count + 1;
    *id = (uint32_t)count;
    return NETABASE_OK;
}

static uint32_t unknown_tree(netabase_error_buffer *error, uint32_t id) {
    return fail(error, NETABASE_INVALID_INPUT,
                "tree id %lu does not belong to this transaction; ids are not shared between transactions",
                (unsigned long)id);
}

/* The map of a tree, for reading. */
static uint32_t find_root(const netabase_transaction *transaction, uint32_t id, const node **root,
                          netabase_error_buffer *error) {
    *root = NULL;
    if (transaction->snapshot == NULL) return has_ended(error);
    if (id >= transaction->known_count) return unknown_tree(error, id);
    size_t place = transaction->known[id].place;
    *root = place == NOWHERE ? NULL : transaction->snapshot->trees[place].root;
    return NETABASE_OK;
}

/* The map of a tree, for writing. `creates` says whether there has to be one. `*root` is NULL where there is none. */
static uint32_t find_slot(netabase_transaction *transaction, uint32_t id, bool creates, node ***root,
                          netabase_error_buffer *error) {
    *root = NULL;
    if (transaction->snapshot == NULL) return has_ended(error);
    if (!transaction->writes)
        return fail(error, NETABASE_INVALID_INPUT, "a read transaction writes nothing; begin one that does");
    if (id >= transaction->known_count) return unknown_tree(error, id);
    known_tree *known = &transaction->known[id];
    if (known->place == NOWHERE && !creates) return NETABASE_OK;
    /* The list is shared with readers until the first write. */
    if (atomic_load(&transaction->snapshot->owners) > 1) {
        snapshot *own = snapshot_copy(transaction->snapshot);
        if (own == NULL) return no_memory(error);
        snapshot_drop(transaction->snapshot);
        transaction->snapshot = own;
    }
    snapshot *in = transaction->snapshot;
    if (known->place == NOWHERE) {
        tree *trees = realloc(in->trees, (in->count + 1) * sizeof *trees);
        if (trees == NULL) return no_memory(error);
        in->trees = trees;
        trees[in->count].name = bytes_share(known->name);
        trees[in->count].root = NULL;
        known->place = in->count++;
    }
    *root = &in->trees[known->place].root;
    return NETABASE_OK;
}

static uint32_t txn_get(netabase_transaction *transaction, uint32_t id, netabase_slice key, netabase_visit visit,
                        netabase_context *context, netabase_error_buffer *error) {
    const node *root;
    uint32_t status = find_root(transaction, id, &root, error);
    if (status != NETABASE_OK) return status;
    const node *found = tree_find(root, key);
    if (found == NULL) return NETABASE_ABSENT;
    if (visit != NULL) visit(context, bytes_slice(node_value(found)));
    return NETABASE_OK;
}

/* Shows what a write replaced, and gives it up. */
static uint32_t show(bytes *replaced, netabase_visit previous, netabase_context *context) {
    if (replaced == NULL) return NETABASE_ABSENT;
    if (previous != NULL) previous(context, bytes_slice(replaced));
    bytes_drop(replaced);
    return NETABASE_OK;
}

static uint32_t txn_put(netabase_transaction *transaction, uint32_t id, netabase_slice key, netabase_slice value,
                        netabase_visit previous, netabase_context *context, netabase_error_buffer *error) {
    node **root;
    bytes *replaced;
    uint32_t status = find_slot(transaction, id, true, &root, error);
    if (status != NETABASE_OK) return status;
    if (!tree_put(root, key, value, &replaced)) return no_memory(error);
    return show(replaced, previous, context);
}

static uint32_t txn_remove(netabase_transaction *transaction, uint32_t id, netabase_slice key, netabase_visit previous,
                           netabase_context *context, netabase_error_buffer *error) {
    node **root;
    bytes *replaced;
    uint32_t status = find_slot(transaction, id, false, &root, error);
    if (status != NETABASE_OK) return status;
    if (root == NULL) return NETABASE_ABSENT;
    if (!tree_remove(root, key, &replaced)) return no_memory(error);
    return show(replaced, previous, context);
}

static uint32_t txn_clear(netabase_transaction *transaction, uint32_t id, netabase_error_buffer *error) {
    node **root;
    uint32_t status = find_slot(transaction, id, false, &root, error);
    if (status != NETABASE_OK || root == NULL) return status;
    tree_drop(*root);
    *root = NULL;
    return NETABASE_OK;
}

static uint32_t txn_len(netabase_transaction *transaction, uint32_t id, uint64_t *entries,
                        netabase_error_buffer *error) {
    const node *root;
    uint32_t status = find_root(transaction, id, &root, error);
    if (status == NETABASE_OK) *entries = tree_count(root);
    return status;
}

/* One operation of an encoded list. */
typedef struct operation {
    uint8_t kind;
    uint32_t tree;
    netabase_slice key;
    netabase_slice value;
} operation;

enum { PUT = 1, REMOVE = 2, CLEAR = 3 };

/* Takes a number from the beginning of a list. */
static bool take_number(netabase_slice *list, uint32_t *number) {
    if (list->length < 4) return false;
    const uint8_t *at = list->data;
    *number = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    list->data += 4;
    list->length -= 4;
    return true;
}

/* Takes bytes with their length before them. */
static bool take_bytes(netabase_slice *list, netabase_slice *taken) {
    uint32_t length;
    if (!take_number(list, &length) || length > list->length) return false;
    *taken = (netabase_slice){ list->data, length };
    list->data += length;
    list->length -= length;
    return true;
}

static bool take_operation(netabase_slice *list, operation *taken) {
    if (list->length == 0) return false;
    taken->kind = *list->data++;
    list->length--;
    if (taken->kind < PUT || taken->kind > CLEAR || !take_number(list, &taken->tree)) return false;
    if (taken->kind != CLEAR && !take_bytes(list, &taken->key)) return false;
    return taken->kind != PUT || take_bytes(list, &taken->value);
}

static uint32_t run(netabase_transaction *transaction, const operation *what, netabase_error_buffer *error) {
    uint32_t status;
    switch (what->kind) {
    case PUT: status = txn_put(transaction, what->tree, what->key, what->value, NULL, NULL, error); break;
    case REMOVE: status = txn_remove(transaction, what->tree, what->key, NULL, NULL, error); break;
    default: status = txn_clear(transaction, what->tree, error); break;
    }
    return status == NETABASE_ABSENT ? NETABASE_OK : status;
}

static uint32_t txn_apply(netabase_transaction *transaction, netabase_slice operations, netabase_error_buffer *error) {
    operation next;
    /* The whole list is looked at before any of it runs. */
    for (netabase_slice rest = operations; rest.length > 0;) {
        if (!take_operation(&rest, &next))
            return fail(error, NETABASE_INVALID_INPUT, "the list of operations is cut short or not one");
        if (next.tree >= transaction->known_count) return unknown_tree(error, next.tree);
    }
    for (netabase_slice rest = operations; rest.length > 0;) {
        if (!take_operation(&rest, &next)) break;
        uint32_t status = run(transaction, &next, error);
        if (status != NETABASE_OK) return status;
    }
    return NETABASE_OK;
}

static bool edge_copy(edge *copy, const netabase_bound *from) {
    copy->kind = from->kind;
    copy->key = from->kind == NETABASE_BOUND_UNBOUNDED ? NULL : bytes_copy(from->key);
    return from->kind == NETABASE_BOUND_UNBOUNDED || copy->key != NULL;
}

/* Puts a cursor before the first entry of its direction. */
static void rewind_to_bound(netabase_cursor *cursor) {
    const edge *first = cursor->backward ? &cursor->upper : &cursor->lower;
    bytes_drop(cursor->next.key);
    cursor->next = (edge){ first->kind, bytes_share(first->key) };
    cursor->ended = false;
}

static void cursor_close(netabase_cursor *cursor) {
    bytes_drop(cursor->lower.key);
    bytes_drop(cursor->upper.key);
    bytes_drop(cursor->next.key);
    transaction_drop(cursor->transaction);
    free(cursor);
}

static uint32_t cursor_open(netabase_transaction *transaction, uint32_t id, const netabase_bounds *bounds,
                            uint32_t direction, netabase_cursor **cursor, netabase_error_buffer *error) {
    const node *root;
    uint32_t status = find_root(transaction, id, &root, error);
    if (status != NETABASE_OK) return status;
    netabase_cursor *made = calloc(1, sizeof *made);
    if (made == NULL) return no_memory(error);
    atomic_fetch_add(&transaction->owners, 1);
    made->transaction = transaction;
    made->tree = id;
    made->backward = direction == NETABASE_BACKWARD;
    if (!edge_copy(&made->lower, &bounds->lower) || !edge_copy(&made->upper, &bounds->upper)) {
        cursor_close(made);
        return no_memory(error);
    }
    rewind_to_bound(made);
    *cursor = made;
    return NETABASE_OK;
}

/* Whether a key lies above a lower bound. */
static bool reaches_down(const edge *lower, netabase_slice key) {
    if (lower->kind == NETABASE_BOUND_UNBOUNDED) return true;
    int order = slice_compare(key, bytes_slice(lower->key));
    return order > 0 || (order == 0 && lower->kind == NETABASE_BOUND_INCLUDED);
}

/* Whether a key lies below an upper bound. */
static bool reaches_up(const edge *upper, netabase_slice key) {
    if (upper->kind == NETABASE_BOUND_UNBOUNDED) return true;
    int order = slice_compare(key, bytes_slice(upper->key));
    return order < 0 || (order == 0 && upper->kind == NETABASE_BOUND_INCLUDED);
}

/*
 * Each step is a descent from the root. So the cursor survives writes, and needs no list of nodes to go back to; it costs
 * the logarithm of the number of entries.
 */
static uint32_t cursor_next(netabase_cursor *cursor, netabase_slice *key, netabase_slice *value,
                            netabase_error_buffer *error) {
    const node *root;
    uint32_t status = find_root(cursor->transaction, cursor->tree, &root, error);
    if (status != NETABASE_OK) return status;
    if (cursor->ended) return NETABASE_ABSENT;
    const edge *next = &cursor->next;
    const bool at = next->kind == NETABASE_BOUND_INCLUDED;
    const node *found;
    if (next->kind == NETABASE_BOUND_UNBOUNDED)
        found = cursor->backward ? tree_last(root) : tree_first(root);
    else
        found = cursor->backward ? tree_before(root, bytes_slice(next->key), at)
                                 : tree_after(root, bytes_slice(next->key), at);
    if (found != NULL) {
        netabase_slice reached = bytes_slice(node_key(found));
        if (cursor->backward ? !reaches_down(&cursor->lower, reached) : !reaches_up(&cursor->upper, reached))
            found = NULL;
    }
    if (found == NULL) {
        cursor->ended = true;
        return NETABASE_ABSENT;
    }
    bytes_drop(cursor->next.key);
    cursor->next = (edge){ NETABASE_BOUND_EXCLUDED, bytes_share(node_key(found)) };
    *key = bytes_slice(node_key(found));
    *value = bytes_slice(node_value(found));
    return NETABASE_OK;
}

static uint32_t cursor_seek(netabase_cursor *cursor, netabase_slice key, netabase_error_buffer *error) {
    if (cursor->transaction->snapshot == NULL) return has_ended(error);
    rewind_to_bound(cursor);
    if (cursor->backward ? !reaches_up(&cursor->upper, key) : !reaches_down(&cursor->lower, key)) return NETABASE_OK;
    bytes *copied = bytes_copy(key);
    if (copied == NULL) return no_memory(error);
    bytes_drop(cursor->next.key);
    cursor->next = (edge){ NETABASE_BOUND_INCLUDED, copied };
    return NETABASE_OK;
}

#define TEXT(text) { (const uint8_t *)(text), sizeof(text) - 1 }

static const netabase_slice operations[] = { TEXT("tree_names") };

/* Shows the name of each tree that holds something. */
static void tree_names(netabase_database *store, netabase_visit output, netabase_context *context) {
    pthread_mutex_lock(&store->lock);
    snapshot *of = store->current;
    atomic_fetch_add(&of->owners, 1);
    pthread_mutex_unlock(&store->lock);
    for (size_t i = 0; i < of->count; i++)
        if (of->trees[i].root != NULL && output != NULL) output(context, bytes_slice(of->trees[i].name));
    snapshot_drop(of);
}

static uint32_t database_command(netabase_database *store, netabase_slice operation, netabase_slice argument,
                               netabase_visit output, netabase_context *context, netabase_error_buffer *error) {
    if (slice_compare(operation, operations[0]) != 0)
        return fail(error, NETABASE_UNSUPPORTED, "the only operation is `tree_names`");
    if (argument.length > 0)
        return fail(error, NETABASE_INVALID_INPUT, "`tree_names` takes no argument; leave it empty");
    tree_names(store, output, context);
    return NETABASE_OK;
}

static const netabase_vtable vtable = {
    .open = store_open,
    .database_close = store_drop,
    .database_begin = database_begin,
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
    .txn_apply = txn_apply,
    .database_command = database_command,
};

static const netabase_manifest manifest = {
    .size = sizeof(netabase_manifest),
    .engine = TEXT("treap"),
    .engine_version = TEXT("1.0.0"),
    .capabilities = NETABASE_SNAPSHOTS | NETABASE_ZERO_COPY,
    .commands = operations,
    .commands_length = sizeof operations / sizeof operations[0],
};

NETABASE_EXPORT const netabase_entry netabase_driver_memory_c = {
    .magic = NETABASE_MAGIC,
    .abi_major = NETABASE_ABI_MAJOR,
    .abi_minor = NETABASE_ABI_MINOR,
    .entry_size = sizeof(netabase_entry),
    .vtable_size = sizeof(netabase_vtable),
    .name = TEXT("memory-c"),
    .version = TEXT("1.0.0"),
    .manifest = &manifest,
    .vtable = &vtable,
};
