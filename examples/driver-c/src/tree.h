/* An ordered map from bytes to bytes whose versions share what they have in common. */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "netabase_driver.h"

/* Bytes that several owners share and nobody changes. */
typedef struct bytes bytes;

/* A copy with one owner; NULL if there is no memory. */
bytes *bytes_copy(netabase_slice from);
/* One owner more. Takes and gives NULL, too. */
bytes *bytes_share(bytes *shared);
/* One owner less. Takes NULL, too. */
void bytes_drop(bytes *dropped);
netabase_slice bytes_slice(const bytes *from);

/* By unsigned bytes; a beginning comes before what it begins. Below, equal to or above 0. */
int slice_compare(netabase_slice left, netabase_slice right);

/*
 * A node, and by it the whole map below. NULL is the empty map.
 *
 * A map is a treap: a search tree by key, a heap by random priority, which keeps it about balanced. Whoever holds the root
 * holds a version of the map. Sharing the root costs one increment. A write changes the nodes that nobody else holds, and
 * copies the others on the way from the root to the key, so that every other version stays as it is.
 */
typedef struct node node;

node *tree_share(node *root);
void tree_drop(node *root);

/* The number of entries. */
uint64_t tree_count(const node *root);

/* The node of a key; NULL if there is none. */
const node *tree_find(const node *root, netabase_slice key);
/* The node of the smallest key at (with `at`) or after `key`; NULL if there is none. */
const node *tree_after(const node *root, netabase_slice key, bool at);
/* The node of the largest key at (with `at`) or before `key`; NULL if there is none. */
const node *tree_before(const node *root, netabase_slice key, bool at);
const node *tree_first(const node *root);
const node *tree_last(const node *root);

bytes *node_key(const node *of);
bytes *node_value(const node *of);

/*
 * Writes. `*previous` becomes the value that was there, for the caller to drop, or NULL. They answer false if there is no
 * memory; the map then has the entries that it had before.
 */
bool tree_put(node **root, netabase_slice key, netabase_slice value, bytes **previous);
bool tree_remove(node **root, netabase_slice key, bytes **previous);

#endif
