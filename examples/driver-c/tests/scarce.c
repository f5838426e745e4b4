/*
 * Lets each allocation of the driver fail in turn (`make check`): the caller is told, what was committed stays as it is, and
 * nothing is left behind.
 *
 * The driver is compiled with `malloc` and the like replaced by those below.
 */
#undef malloc
#undef calloc
#undef realloc
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netabase_driver.h"

/* How many allocations succeed before one fails; none does while it is negative. */
static int left = -1;
static bool has_failed;

static bool fails(void) {
    if (left < 0 || left-- > 0) return false;
    has_failed = true;
    return true;
}

void *scarce_malloc(size_t size) {
    return fails() ? NULL : malloc(size);
}

void *scarce_calloc(size_t count, size_t size) {
    return fails() ? NULL : calloc(count, size);
}

void *scarce_realloc(void *old, size_t size) {
    return fails() ? NULL : realloc(old, size);
}

extern const netabase_entry netabase_driver_memory_c;

static const netabase_vtable *driver;
static netabase_database *store;

static void check(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static netabase_slice text(const char *of) {
    return (netabase_slice){ (const uint8_t *)of, strlen(of) };
}

static netabase_slice number(const uint8_t *of) {
    return (netabase_slice){ of, 1 };
}

static const netabase_bounds from_3 = { { NETABASE_BOUND_INCLUDED, 0, { (const uint8_t *)"\3", 1 } },
                                        { NETABASE_BOUND_EXCLUDED, 0, { (const uint8_t *)"\20", 1 } } };

/* The statuses of what was done, as one: the first that is neither success nor absence. */
static uint32_t then(uint32_t before, uint32_t status) {
    if (before != NETABASE_OK) return before;
    return status == NETABASE_ABSENT ? NETABASE_OK : status;
}

/* Does everything once in a write transaction that has begun. Stops where something fails, as a host does. */
static uint32_t use(netabase_transaction *transaction) {
    uint32_t tree = 0, other = 0, status = NETABASE_OK;
    netabase_cursor *cursor = NULL;
    netabase_slice key, value;
    status = then(status, driver->txn_tree(transaction, text("t"), 1, 1, &tree, NULL));
    if (status == NETABASE_OK) status = then(status, driver->txn_tree(transaction, text("other"), 1, 1, &other, NULL));
    for (uint8_t i = 0; i < 40 && status == NETABASE_OK; i += 3)
        status = then(status, driver->txn_put(transaction, tree, number(&i), text("new"), NULL, NULL, NULL));
    for (uint8_t i = 0; i < 40 && status == NETABASE_OK; i += 4)
        status = then(status, driver->txn_remove(transaction, tree, number(&i), NULL, NULL, NULL));
    if (status == NETABASE_OK) {
        /* Puts "k" and "v" in the second tree. */
        uint8_t list[] = { 1, 1, 0, 0, 0, 1, 0, 0, 0, 'k', 1, 0, 0, 0, 'v' };
        status = then(status, driver->txn_apply(transaction, (netabase_slice){ list, sizeof list }, NULL));
    }
    if (status == NETABASE_OK)
        status = then(status, driver->cursor_open(transaction, tree, &from_3, NETABASE_BACKWARD, &cursor, NULL));
    if (status == NETABASE_OK) {
        status = then(status, driver->cursor_next(cursor, &key, &value, NULL));
        if (status == NETABASE_OK) status = then(status, driver->cursor_seek(cursor, text("\7"), NULL));
        driver->cursor_close(cursor);
    }
    if (status == NETABASE_OK) status = then(status, driver->txn_clear(transaction, tree, NULL));
    return status;
}

static void count_byte(netabase_context *context, netabase_slice bytes) {
    *(size_t *)(void *)context += bytes.length;
}

/* Whether the trees are as `main` filled them. */
static bool is_untouched(void) {
    netabase_transaction *transaction;
    uint32_t tree, other;
    uint64_t entries, others;
    size_t shown = 0;
    check(driver->database_begin(store, NETABASE_BEGIN_READ, &transaction, NULL) == NETABASE_OK, "begin");
    check(driver->txn_tree(transaction, text("t"), 1, 1, &tree, NULL) == NETABASE_OK, "tree");
    check(driver->txn_tree(transaction, text("other"), 1, 1, &other, NULL) == NETABASE_OK, "tree");
    check(driver->txn_len(transaction, tree, &entries, NULL) == NETABASE_OK, "len");
    check(driver->txn_len(transaction, other, &others, NULL) == NETABASE_OK, "len");
    for (uint8_t i = 0; i < 40; i++)
        check(driver->txn_get(transaction, tree, number(&i), count_byte, (netabase_context *)(void *)&shown, NULL) ==
                  NETABASE_OK,
              "an entry is gone");
    driver->txn_close(transaction);
    return entries == 40 && others == 0 && shown == 40 * strlen("before");
}

int main(void) {
    const netabase_open_config config = { .size = sizeof config, .flags = NETABASE_OPEN_CREATE_IF_MISSING };
    netabase_transaction *transaction;
    uint32_t tree;
    driver = netabase_driver_memory_c.vtable;
    for (int succeeding = 0; succeeding < 2; succeeding++) {
        left = succeeding;
        check(driver->open(&config, &store, NULL) == NETABASE_LIMIT_EXCEEDED, "it opens without memory");
    }
    left = -1;
    check(driver->open(&config, &store, NULL) == NETABASE_OK, "open");
    check(driver->database_begin(store, NETABASE_BEGIN_WRITE, &transaction, NULL) == NETABASE_OK, "begin");
    check(driver->txn_tree(transaction, text("t"), 1, 1, &tree, NULL) == NETABASE_OK, "tree");
    for (uint8_t i = 0; i < 40; i++)
        check(driver->txn_put(transaction, tree, number(&i), text("before"), NULL, NULL, NULL) == NETABASE_ABSENT, "put");
    check(driver->txn_commit(transaction, NETABASE_DURABILITY_NONE, NULL, NULL, NULL) == NETABASE_OK, "commit");
    driver->txn_close(transaction);

    int failures = 0;
    for (int succeeding = 0;; succeeding++) {
        has_failed = false;
        left = succeeding;
        uint32_t status = driver->database_begin(store, NETABASE_BEGIN_WRITE, &transaction, NULL);
        if (status == NETABASE_OK) {
            status = use(transaction);
            driver->txn_close(transaction);
        }
        left = -1;
        check(is_untouched(), "a transaction that was rolled back left something");
        if (!has_failed) {
            check(status == NETABASE_OK, "it fails though there is memory");
            break;
        }
        check(status == NETABASE_LIMIT_EXCEEDED, "the caller is not told");
        failures++;
    }
    check(failures > 50, "too little was tried");
    driver->database_close(store);
    puts("all hold");
    return EXIT_SUCCESS;
}
