/*
 * The driver ABI of netabase_store, version 1.0, which may change until the first release and never after it.
 *
 * docs/abi.md explains all of it. A driver exports one data symbol, `netabase_driver_<name>` with each `-` of its name
 * written as `_`, of type `netabase_entry`, from a library named `libnetabase_driver_<name>.so` (`.dylib`, or
 * `netabase_driver_<name>.dll`).
 */
#ifndef NETABASE_DRIVER_H
#define NETABASE_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define NETABASE_EXPORT __declspec(dllexport)
#else
#define NETABASE_EXPORT __attribute__((visibility("default")))
#endif

/* The first bytes of every entry; no terminating NUL. */
#define NETABASE_MAGIC { 'n', 'e', 't', 'a', 'b', 'a', 's', 'e' }
#define NETABASE_ABI_MAJOR 1u
#define NETABASE_ABI_MINOR 0u

/* netabase_entry.flags */
#define NETABASE_FLAG_PANIC_ABORT 1u
#define NETABASE_FLAG_RUST 2u

/* netabase_open_config.flags */
#define NETABASE_OPEN_CREATE_IF_MISSING 1u
#define NETABASE_OPEN_TRUNCATE 2u
#define NETABASE_OPEN_READ_ONLY 4u
#define NETABASE_OPEN_CACHE_BYTES 8u

/* database_begin */
#define NETABASE_BEGIN_READ 0u
#define NETABASE_BEGIN_WRITE 1u

/* txn_tree */
#define NETABASE_WIDTH_VARIES 0xFFFFFFFFu

/* cursor_open */
#define NETABASE_FORWARD 0u
#define NETABASE_BACKWARD 1u

/* txn_commit */
#define NETABASE_DURABILITY_NONE 0u
#define NETABASE_DURABILITY_IMMEDIATE 1u

/* database_commit_outcome */
#define NETABASE_COMMITTED 0u
#define NETABASE_NOT_COMMITTED 1u
#define NETABASE_OUTCOME_UNKNOWN 2u

/* netabase_bound.kind */
#define NETABASE_BOUND_UNBOUNDED 0u
#define NETABASE_BOUND_INCLUDED 1u
#define NETABASE_BOUND_EXCLUDED 2u

/* netabase_manifest.capabilities */
#define NETABASE_PERSISTENT 1u
#define NETABASE_DURABLE 2u
#define NETABASE_DEFERRED 4u
#define NETABASE_SNAPSHOTS 8u
#define NETABASE_ZERO_COPY 16u
#define NETABASE_MULTI_PROCESS 32u
#define NETABASE_CAN_READ_ONLY 64u
#define NETABASE_OPTIMISTIC 128u
#define NETABASE_COUNTED 256u
#define NETABASE_SURVIVES_DAMAGE 512u

/* What a function answers: one of these two, or the number of an error. */
#define NETABASE_OK 0u
#define NETABASE_ABSENT 0xFFFFFFFFu

#define NETABASE_NOT_FOUND 1u
#define NETABASE_ALREADY_EXISTS 2u
#define NETABASE_CORRUPT 3u
#define NETABASE_SCHEMA_MISMATCH 4u
#define NETABASE_LOCKED 5u
#define NETABASE_LIMIT_EXCEEDED 6u
#define NETABASE_READ_ONLY 7u
#define NETABASE_CLOSED 8u
#define NETABASE_CONFLICT 9u
#define NETABASE_SNAPSHOT_LOST 10u
#define NETABASE_UNSUPPORTED 11u
#define NETABASE_IO 12u
#define NETABASE_CODEC 13u
#define NETABASE_DRIVER_NOT_FOUND 14u
#define NETABASE_DRIVER_REJECTED 15u
#define NETABASE_DRIVER_PANICKED 16u
#define NETABASE_INVALID_INPUT 17u
#define NETABASE_INTERNAL 18u
#define NETABASE_COMMIT_UNKNOWN 19u
#define NETABASE_COMMITS_LOST 20u

/* Borrowed bytes. The pointer may be null or dangling where the length is 0. */
typedef struct netabase_slice {
    const uint8_t *data;
    size_t length;
} netabase_slice;

/* Only the driver knows what is in these three. */
typedef struct netabase_database netabase_database;
typedef struct netabase_transaction netabase_transaction;
typedef struct netabase_cursor netabase_cursor;

/* Only the host knows what is in this one. */
typedef struct netabase_context netabase_context;

/* A function of the host that borrows bytes until it returns; null where the host does not want them. */
typedef void (*netabase_visit)(netabase_context *context, netabase_slice bytes);

/* Where a driver writes what went wrong. The host owns it, memory and all. */
typedef struct netabase_error_buffer {
    size_t size;      /* of this struct, as the host knows it */
    uint8_t *message; /* UTF-8; causes follow, each after a NUL */
    size_t capacity;  /* room for the message, in bytes */
    size_t length;    /* full length of the message, even if it did not fit; 0 before the call */
} netabase_error_buffer;

typedef struct netabase_open_option {
    netabase_slice name;  /* UTF-8 */
    netabase_slice value; /* UTF-8 */
} netabase_open_option;

typedef struct netabase_open_config {
    size_t size;          /* of this struct, as the host knows it */
    uint64_t flags;       /* NETABASE_OPEN_...; refuse an unknown one with NETABASE_UNSUPPORTED */
    netabase_slice location; /* a path (bytes on Unix, UTF-8 elsewhere) or a URL; empty if nothing is kept */
    uint64_t cache_bytes; /* meaningful with NETABASE_OPEN_CACHE_BYTES */
    const netabase_open_option *options;
    size_t options_length;
} netabase_open_config;

typedef struct netabase_bound {
    uint32_t kind; /* NETABASE_BOUND_... */
    uint32_t reserved;
    netabase_slice key;
} netabase_bound;

typedef struct netabase_bounds {
    netabase_bound lower;
    netabase_bound upper;
} netabase_bounds;

/* What a driver says of itself. Later minor versions append to it. */
typedef struct netabase_manifest {
    size_t size; /* of this struct, as the driver knows it */
    netabase_slice engine;
    netabase_slice engine_version;
    uint64_t capabilities;
    uint64_t key_bytes;         /* largest key; 0 is no limit, here and below */
    uint64_t value_bytes;       /* largest value */
    uint64_t transaction_bytes; /* largest sum of keys and values that one transaction writes */
    const netabase_slice *commands;
    size_t commands_length;
} netabase_manifest;

/* A driver's functions. Later minor versions append to it. */
typedef struct netabase_vtable {
    uint32_t (*open)(const netabase_open_config *config, netabase_database **database, netabase_error_buffer *error);
    void (*database_close)(netabase_database *database);
    uint32_t (*database_begin)(netabase_database *database, uint32_t mode, netabase_transaction **transaction,
                            netabase_error_buffer *error);
    void (*txn_close)(netabase_transaction *transaction);
    uint32_t (*txn_tree)(netabase_transaction *transaction, netabase_slice name, uint32_t key_width,
                         uint32_t value_width, uint32_t *tree, netabase_error_buffer *error);
    uint32_t (*txn_get)(netabase_transaction *transaction, uint32_t tree, netabase_slice key, netabase_visit visit,
                        netabase_context *context, netabase_error_buffer *error);
    uint32_t (*txn_put)(netabase_transaction *transaction, uint32_t tree, netabase_slice key, netabase_slice value,
                        netabase_visit previous, netabase_context *context, netabase_error_buffer *error);
    uint32_t (*txn_remove)(netabase_transaction *transaction, uint32_t tree, netabase_slice key,
                           netabase_visit previous, netabase_context *context, netabase_error_buffer *error);
    uint32_t (*txn_commit)(netabase_transaction *transaction, uint32_t durability, netabase_visit token,
                           netabase_context *context, netabase_error_buffer *error);
    uint32_t (*cursor_open)(netabase_transaction *transaction, uint32_t tree, const netabase_bounds *bounds,
                            uint32_t direction, netabase_cursor **cursor, netabase_error_buffer *error);
    uint32_t (*cursor_next)(netabase_cursor *cursor, netabase_slice *key, netabase_slice *value,
                            netabase_error_buffer *error);
    void (*cursor_close)(netabase_cursor *cursor);
    /* From here on a slot may be null, or lie beyond the size that the entry states. */
    uint32_t (*cursor_seek)(netabase_cursor *cursor, netabase_slice key, netabase_error_buffer *error);
    uint32_t (*txn_len)(netabase_transaction *transaction, uint32_t tree, uint64_t *entries,
                        netabase_error_buffer *error);
    uint32_t (*txn_clear)(netabase_transaction *transaction, uint32_t tree, netabase_error_buffer *error);
    uint32_t (*txn_apply)(netabase_transaction *transaction, netabase_slice batch, netabase_error_buffer *error);
    uint32_t (*database_command)(netabase_database *database, netabase_slice command, netabase_slice argument,
                               netabase_visit output, netabase_context *context, netabase_error_buffer *error);
    uint32_t (*database_commit_outcome)(netabase_database *database, netabase_slice token, uint32_t *outcome,
                                        netabase_error_buffer *error);
} netabase_vtable;

/* The one data symbol of a driver. Later minor versions append to it; the first four fields never move. */
typedef struct netabase_entry {
    uint8_t magic[8]; /* NETABASE_MAGIC */
    uint32_t abi_major;
    uint32_t abi_minor;
    size_t entry_size;  /* sizeof(netabase_entry) */
    size_t vtable_size; /* sizeof(netabase_vtable) */
    uint64_t flags;     /* NETABASE_FLAG_...; 0 for a driver in C */
    netabase_slice name;
    netabase_slice version;
    const netabase_manifest *manifest;
    const netabase_vtable *vtable;
    const void *layout; /* null for a driver in C */
} netabase_entry;

#ifdef __cplusplus
}
#endif

#endif
