/* The treap behind `tree.h`. */
#include "tree.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    atomic_size_t owners;
    size_t length;
    uint8_t data[];
};

struct node {
    atomic_size_t owners;
    uint32_t priority;
    uint64_t count; /* of the entries in this node and below */
    bytes *key;
    bytes *value;
    node *left;
    node *right;
};

/* Whoever adds an owner has one already, so that nothing has to be seen by others. */
static void own(atomic_size_t *owners) {
    atomic_fetch_add_explicit(owners, 1, memory_order_relaxed);
}

/* Whether that was the last owner. What all others did has happened by then. */
static bool disown(atomic_size_t *owners) {
    return atomic_fetch_sub_explicit(owners, 1, memory_order_acq_rel) == 1;
}

bytes *bytes_copy(netabase_slice from) {
    if (from.length > SIZE_MAX - sizeof(bytes)) return NULL;
    bytes *made = malloc(sizeof *made + from.length);
    if (made == NULL) return NULL;
    atomic_init(&made->owners, 1);
    made->length = from.length;
    /* The pointer of an empty slice may be null, which memcpy does not take. */
    if (from.length > 0) memcpy(made->data, from.data, from.length);
    return made;
}

bytes *bytes_share(bytes *shared) {
    if (shared != NULL) own(&shared->owners);
    return shared;
}

void bytes_drop(bytes *dropped) {
    if (dropped != NULL && disown(&dropped->owners)) free(dropped);
}

netabase_slice bytes_slice(const bytes *from) {
    return (netabase_slice){ from->data, from->length };
}

int slice_compare(netabase_slice left, netabase_slice right) {
    size_t shorter = left.length < right.length ? left.length : right.length;
    int order = shorter == 0 ? 0 : memcmp(left.data, right.data, shorter);
    return order != 0 ? order : (left.length > right.length) - (left.length < right.length);
}

static int compare(netabase_slice key, const node *with) {
    return slice_compare(key, bytes_slice(with->key));
}

node *tree_share(node *root) {
    if (root != NULL) own(&root->owners);
    return root;
}

void tree_drop(node *root) {
    while (root != NULL && disown(&root->owners)) {
        node *right = root->right;
        tree_drop(root->left);
        bytes_drop(root->key);
        bytes_drop(root->value);
        free(root);
        root = right;
    }
}

uint64_t tree_count(const node *root) {
    return root == NULL ? 0 : root->count;
}

static node *find(node *root, netabase_slice key) {
    while (root != NULL) {
        int order = compare(key, root);
        if (order == 0) break;
        root = order < 0 ? root->left : root->right;
    }
    return root;
}

const node *tree_find(const node *root, netabase_slice key) {
    return find((node *)root, key);
}

const node *tree_after(const node *root, netabase_slice key, bool at) {
    const node *found = NULL;
    while (root != NULL) {
        int order = compare(key, root);
        if (order < 0 || (at && order == 0)) {
            found = root;
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return found;
}

const node *tree_before(const node *root, netabase_slice key, bool at) {
    const node *found = NULL;
    while (root != NULL) {
        int order = compare(key, root);
        if (order > 0 || (at && order == 0)) {
            found = root;
            root = root->right;
        } else {
            root = root->left;
        }
    }
    return found;
}

const node *tree_first(const node *root) {
    while (root != NULL && root->left != NULL) root = root->left;
    return root;
}

const node *tree_last(const node *root) {
    while (root != NULL && root->right != NULL) root = root->right;
    return root;
}

bytes *node_key(const node *of) {
    return of->key;
}

bytes *node_value(const node *of) {
    return of->value;
}

static void recount(node *of) {
    of->count = 1 + tree_count(of->left) + tree_count(of->right);
}

/* Makes `*slot` a node that nobody else holds, by a copy if need be. Its children may be shared. */
static bool claim(node **slot) {
    node *shared = *slot;
    /* Nobody can become another owner meanwhile: this one is not known to others. */
    if (atomic_load_explicit(&shared->owners, memory_order_acquire) == 1) return true;
    node *made = malloc(sizeof *made);
    if (made == NULL) return false;
    atomic_init(&made->owners, 1);
    made->priority = shared->priority;
    made->count = shared->count;
    made->key = bytes_share(shared->key);
    made->value = bytes_share(shared->value);
    made->left = tree_share(shared->left);
    made->right = tree_share(shared->right);
    *slot = made;
    tree_drop(shared);
    return true;
}

/* A priority that is random enough to balance: splitmix64 over a count of nodes. */
static uint32_t next_priority(void) {
    static atomic_uint_fast64_t made;
    uint64_t mixed = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)(mixed >> 32);
}

/* Claims the nodes from `*slot` down to the key, or to where it would be. */
static bool claim_path(node **slot, netabase_slice key) {
    while (*slot != NULL) {
        if (!claim(slot)) return false;
        int order = compare(key, *slot);
        if (order == 0) return true;
        slot = order < 0 ? &(*slot)->left : &(*slot)->right;
    }
    return true;
}

/* Puts a new node below `*slot`, on a path that was claimed. */
static void insert(node **slot, node *new) {
    node *here = *slot;
    if (here == NULL) {
        *slot = new;
        return;
    }
    if (compare(bytes_slice(new->key), here) < 0) {
        insert(&here->left, new);
        if (here->left->priority > here->priority) {
            *slot = here->left;
            here->left = (*slot)->right;
            (*slot)->right = here;
        }
    } else {
        insert(&here->right, new);
        if (here->right->priority > here->priority) {
            *slot = here->right;
            here->right = (*slot)->left;
            (*slot)->left = here;
        }
    }
    recount(here);
    recount(*slot);
}

bool tree_put(node **root, netabase_slice key, netabase_slice value, bytes **previous) {
    *previous = NULL;
    bytes *stored = bytes_copy(value);
    if (stored == NULL || !claim_path(root, key)) {
        bytes_drop(stored);
        return false;
    }
    node *found = find(*root, key);
    if (found != NULL) {
        *previous = found->value;
        found->value = stored;
        return true;
    }
    node *new = malloc(sizeof *new);
    bytes *copied = bytes_copy(key);
    if (new == NULL || copied == NULL) {
        free(new);
        bytes_drop(copied);
        bytes_drop(stored);
        return false;
    }
    atomic_init(&new->owners, 1);
    new->priority = next_priority();
    new->count = 1;
    new->key = copied;
    new->value = stored;
    new->left = NULL;
    new->right = NULL;
    insert(root, new);
    return true;
}

/* Claims the nodes that `join` changes. */
static bool claim_join(node **left, node **right) {
    while (*left != NULL && *right != NULL) {
        if ((*left)->priority > (*right)->priority) {
            if (!claim(left)) return false;
            left = &(*left)->right;
        } else {
            if (!claim(right)) return false;
            right = &(*right)->left;
        }
    }
    return true;
}

/* One map of two, of which the first ends before the second begins. */
static node *join(node *left, node *right) {
    if (left == NULL) return right;
    if (right == NULL) return left;
    if (left->priority > right->priority) {
        left->right = join(left->right, right);
        recount(left);
        return left;
    }
    right->left = join(left, right->left);
    recount(right);
    return right;
}

/* Takes the node of a key out, on a path that was claimed. */
static node *take(node **slot, netabase_slice key) {
    node *here = *slot;
    int order = compare(key, here);
    if (order == 0) {
        *slot = join(here->left, here->right);
        here->left = NULL;
        here->right = NULL;
        return here;
    }
    node *taken = take(order < 0 ? &here->left : &here->right, key);
    recount(here);
    return taken;
}

bool tree_remove(node **root, netabase_slice key, bytes **previous) {
    *previous = NULL;
    /* A key that is not there leaves everything shared. */
    if (find(*root, key) == NULL) return true;
    if (!claim_path(root, key)) return false;
    node *found = find(*root, key);
    if (!claim_join(&found->left, &found->right)) return false;
    node *taken = take(root, key);
    *previous = bytes_share(taken->value);
    tree_drop(taken);
    return true;
}
