/*
 * Calls the driver from many threads as a host does, without one: for the sanitizers of a C compiler (`make check`).
 *
 * Writers move amounts between accounts; the sum stays 0. Readers look at one snapshot several times.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netabase_driver.h"

#define ACCOUNTS 50
#define ROUNDS 2000
#define THREADS 4

extern const netabase_entry netabase_driver_memory_c;

static const netabase_vtable *driver;
static netabase_database *store;

static void check(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static netabase_slice text(const char *of) {
    return (netabase_slice){ (const uint8_t *)of, strlen(of) };
}

static void copy_number(netabase_context *context, netabase_slice bytes) {
    check(bytes.length == sizeof(int64_t), "a balance has eight bytes");
    memcpy(context, bytes.data, sizeof(int64_t));
}

static netabase_transaction *begin(uint32_t mode, uint32_t *tree) {
    netabase_transaction *transaction;
    check(driver->database_begin(store, mode, &transaction, NULL) == NETABASE_OK, "begin");
    check(driver->txn_tree(transaction, text("accounts"), NETABASE_WIDTH_VARIES, NETABASE_WIDTH_VARIES, tree, NULL) ==
              NETABASE_OK,
          "tree");
    return transaction;
}

static void add(netabase_transaction *transaction, uint32_t tree, uint8_t account, int64_t amount) {
    netabase_slice key = { &account, 1 };
    int64_t balance = 0;
    uint32_t found = driver->txn_get(transaction, tree, key, copy_number, (netabase_context *)&balance, NULL);
    check(found == NETABASE_OK || found == NETABASE_ABSENT, "get");
    int64_t shown = 0;
    balance += amount;
    netabase_slice value = { (const uint8_t *)&balance, sizeof balance };
    check(driver->txn_put(transaction, tree, key, value, copy_number, (netabase_context *)&shown, NULL) == found, "put");
    check(shown == balance - amount || found == NETABASE_ABSENT, "the previous value is another one");
}

static void *write_all(void *seed) {
    unsigned random = *(unsigned *)seed;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t tree;
        netabase_transaction *transaction = begin(NETABASE_BEGIN_WRITE, &tree);
        random = random * 1103515245u + 12345u;
        add(transaction, tree, (uint8_t)(random >> 16) % ACCOUNTS, round);
        add(transaction, tree, (uint8_t)(random >> 8) % ACCOUNTS, -round);
        if (round % 5 != 0) check(driver->txn_commit(transaction, 0, NULL, NULL, NULL) == NETABASE_OK, "commit");
        driver->txn_close(transaction);
    }
    return NULL;
}

static int64_t sum(netabase_transaction *transaction, uint32_t tree, uint32_t direction) {
    const netabase_bounds all = { { NETABASE_BOUND_UNBOUNDED, 0, { NULL, 0 } },
                                  { NETABASE_BOUND_UNBOUNDED, 0, { NULL, 0 } } };
    netabase_cursor *cursor;
    check(driver->cursor_open(transaction, tree, &all, direction, &cursor, NULL) == NETABASE_OK, "cursor");
    netabase_slice key, value;
    int64_t total = 0;
    uint64_t counted = 0, entries;
    while (driver->cursor_next(cursor, &key, &value, NULL) == NETABASE_OK) {
        int64_t balance;
        copy_number((netabase_context *)&balance, value);
        total += balance;
        counted++;
    }
    driver->cursor_close(cursor);
    check(driver->txn_len(transaction, tree, &entries, NULL) == NETABASE_OK && entries == counted, "the count is another");
    return total;
}

static void *read_all(void *unused) {
    (void)unused;
    for (int round = 0; round < ROUNDS / 10; round++) {
        uint32_t tree;
        netabase_transaction *transaction = begin(NETABASE_BEGIN_READ, &tree);
        check(sum(transaction, tree, NETABASE_FORWARD) == 0, "half a transaction is seen");
        check(sum(transaction, tree, NETABASE_BACKWARD) == 0, "the snapshot changes");
        driver->txn_close(transaction);
    }
    return NULL;
}

int main(void) {
    driver = netabase_driver_memory_c.vtable;
    const netabase_open_config config = { .size = sizeof config, .flags = NETABASE_OPEN_CREATE_IF_MISSING };
    check(driver->open(&config, &store, NULL) == NETABASE_OK, "open");
    pthread_t threads[2 * THREADS];
    unsigned seeds[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i;
        check(pthread_create(&threads[i], NULL, write_all, &seeds[i]) == 0, "a thread");
        check(pthread_create(&threads[THREADS + i], NULL, read_all, NULL) == 0, "a thread");
    }
    for (int i = 0; i < 2 * THREADS; i++) pthread_join(threads[i], NULL);
    /* The transaction keeps what it needs of the store. */
    uint32_t tree;
    netabase_transaction *last = begin(NETABASE_BEGIN_READ, &tree);
    driver->database_close(store);
    check(sum(last, tree, NETABASE_FORWARD) == 0, "the sum is not 0");
    driver->txn_close(last);
    puts("all hold");
    return EXIT_SUCCESS;
}
