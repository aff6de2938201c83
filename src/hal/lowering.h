#ifndef OR_HAL_LOWERING_H
#define OR_HAL_LOWERING_H
/* From a subgraph to what a backend runs: the part that is the same for every backend. A slot is a place in memory that
 * is known when a run starts: an input, an output, a constant, or a piece of the workspace; several may share one place
 * (aliases). A backend adds its own steps over slots. One thread at a time while it is built; then it is only read. */

#include <stdarg.h>

#include "base/alloc.h"
#include "hal/packed.h"

typedef uint32_t or_slot_id_t;
#define OR_NO_SLOT UINT32_MAX

typedef enum or_place_t {
  OR_PLACE_NONE = 0, /* not used: a value inside a fused node */
  OR_PLACE_INPUT,
  OR_PLACE_OUTPUT,
  OR_PLACE_CONSTANT,
  OR_PLACE_WORKSPACE,
  OR_PLACE_ALIAS, /* of slot `index`, which is none itself (chains would be as long as a model is deep) */
} or_place_t;

typedef struct or_slot_t {
  or_place_t place;
  uint32_t index; /* of the input, the output, or the slot that this is an alias of */
  size_t offset;  /* in the workspace, or in the alias's slot */
  size_t bytes;
  const void *host;     /* of a constant: its bytes, where the host reaches them */
  or_memory_t *memory;  /* of a constant: what it lies in, where that is a buffer; NULL: the caller's bytes */
  uint32_t first, last; /* steps that touch it, and how many more reads are to come: kept in roots only */
  uint32_t uses;
  bool touched;
} or_slot_t;

/* What stays after compile: the head of a backend's program. */
typedef struct or_lowered_t {
  const or_allocator_t *allocator;
  or_arena_t arena; /* states, names */
  or_slot_t *slots;
  size_t slot_count, slot_capacity;
  or_packed_t **packed; /* held until deinit */
  size_t packed_count, packed_capacity;
  or_executable_node_t *nodes; /* and what they are called, for messages: both of the subgraph's length */
  const char **names;
  uint32_t node_count;
  size_t workspace_bytes, unplanned_bytes;
  uint64_t packed_bytes;
} or_lowered_t;

/* Of a value while its subgraph is lowered. */
typedef struct or_lowering_value_t {
  or_slot_id_t slot; /* OR_NO_SLOT: not there (yet) */
  uint32_t uses;     /* reads that are still to come: by nodes, and as an output of the subgraph */
  uint32_t output;   /* the first output that it is, or OR_NO_VALUE */
} or_lowering_value_t;

typedef struct or_lowering_t {
  or_device_t *device;
  or_lowered_t *lowered;
  const or_subgraph_t *subgraph;
  bool constants_in_place; /* steps read the caller's bytes; set it before the first read */
  uint32_t node;           /* that is being prepared */
  or_lowering_value_t *values;
  or_arena_t temporary; /* gone when it ends */
} or_lowering_t;

/* All return RESOURCE_EXHAUSTED (host memory) besides what they name. */

/* `lowered` is zeroed. Counts the reads of each value; inputs have their slots. Whatever it returns, or_lowering_end
 * and or_lowered_deinit follow. */
or_status_t or_lowering_begin(or_lowering_t *lowering, or_lowered_t *lowered, const or_allocator_t *allocator,
                              or_device_t *device, const or_subgraph_t *subgraph);
/* Hands each node to `prepare`, in order; its error gets the node's name. CANCELLED, DEADLINE_EXCEEDED between. */
or_status_t or_lowering_nodes(or_lowering_t *lowering, or_status_t (*prepare)(void *self, const or_node_t *node),
                              void *self);
/* Lays out the workspace: places at multiples of `alignment` after the first `reserved` bytes. OUT_OF_RANGE. */
or_status_t or_lowering_lay_out(or_lowering_t *lowering, size_t reserved, size_t alignment);
void or_lowering_end(or_lowering_t *lowering);
void or_lowered_deinit(or_lowered_t *lowered);
/* or_executable_t's. */
void or_lowered_node(const or_lowered_t *lowered, uint32_t index, or_executable_node_t *out);

/* A new slot; nothing touches it yet. */
or_status_t or_lowering_slot(or_lowering_t *lowering, or_slot_t slot, or_slot_id_t *out);
/* The slot that an alias stands for; any other stands for itself. Valid until the next slot is made. */
or_slot_t *or_lowered_root(const or_lowered_t *lowered, or_slot_id_t slot);
/* The step with this number touches the slot. Steps come in order. */
void or_lowered_touch(or_lowered_t *lowered, or_slot_id_t slot, uint32_t step);
/* True if the bytes of output `output` lie in its buffer already when `slot` is that output. */
bool or_lowered_is_output(const or_lowered_t *lowered, or_slot_id_t slot, uint32_t output);

/* The slot of a value that is read: an input, what a node before has written, or a constant: the caller's bytes if
 * they are there and constants_in_place, else a copy that the device's executables share. INVALID_ARGUMENT: nothing has
 * made it. or_packed_plain's errors. */
or_status_t or_lowering_read(or_lowering_t *lowering, or_value_id_t value, or_slot_id_t *out);
/* A place for a value that is written: an output's own, or a piece of the workspace. UNIMPLEMENTED: its shape is not
 * static, or its elements have no fixed width. */
or_status_t or_lowering_write(or_lowering_t *lowering, or_value_id_t value, or_slot_id_t *out);
/* `output` becomes the bytes of slot `source` from `offset` on, without a copy. False in *shared where that can't be:
 * the caller then writes a place of its own. */
or_status_t or_lowering_share(or_lowering_t *lowering, or_slot_id_t source, or_value_id_t output, size_t offset,
                              bool *shared);
/* Instead of write: the place of `input`, which this node reads for the last time, if that can be. */
or_status_t or_lowering_overwrite(or_lowering_t *lowering, or_value_id_t input, or_value_id_t output,
                                  or_slot_id_t *out);

/* Bytes of a constant on the host: the caller's, or a copy in temporary memory. DATA_LOSS. */
or_status_t or_lowering_constant(or_lowering_t *lowering, const or_constant_t *constant, const void **out);
/* A packed constant that the program holds until its end, in the report of the node. or_packed_get's errors. */
or_status_t or_lowering_packed(or_lowering_t *lowering, const or_packed_key_t *key, size_t bytes, or_packed_fill_t fill,
                               void *self, or_packed_t **out);
/* The kernel's name for the report. A static string, or one that lives as long as the program. */
void or_lowering_name(or_lowering_t *lowering, const char *kernel);
or_status_t or_lowering_name_format(or_lowering_t *lowering, const char *format, va_list arguments);

#endif
