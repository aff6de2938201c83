/* oneDNN by version 2 of its API: the library, streams, primitives and their runs. dnnl_v2_ops.c says which
 * primitives. */
#include "backends/cpu/dnnl_v2_internal.h"

#ifdef OR_DNNL_V2

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/dynlib.h"
#include "base/string.h"
#include "hal/parallel.h"

#define ROOM_BYTES ((size_t)16 << 20) /* descriptions, generated code and its making of one primitive */

/* The library is the process's: opened once, with the limit of the first who asks. */
static pthread_mutex_t open_mutex = PTHREAD_MUTEX_INITIALIZER;
static or_dnnl_t library;         /* under open_mutex until `opened` */
static bool opened;               /* under open_mutex */
static dnnl_cpu_isa_t opened_isa; /* under open_mutex */

static or_status_t load_locked(dnnl_cpu_isa_t isa);

/* False for levels at which the library has nothing to offer. */
static bool isa_of(const char *name, dnnl_cpu_isa_t *out) {
  *out = dnnl_cpu_isa_all;
  if (name == NULL || name[0] == '\0' || strcmp(name, "amx") == 0 || strcmp(name, "neon") == 0) return true;
  if (strcmp(name, "portable") == 0) return false;
  *out = strcmp(name, "avx2") == 0 ? dnnl_cpu_isa_avx2 : dnnl_cpu_isa_avx512_core_bf16;
  return true;
}

or_status_t or_dnnl_open(const char *isa, const or_dnnl_t **out) {
  dnnl_cpu_isa_t limit = dnnl_cpu_isa_all;
  *out = NULL;
  if (!isa_of(isa, &limit)) return or_error(OR_FAILED_PRECONDITION, "oneDNN is not used at level \"%s\"", isa);
  pthread_mutex_lock(&open_mutex);
  or_status_t status = or_status_success();
  if (!opened) status = load_locked(limit);
  if (or_ok(status) && limit != opened_isa) {
    status = or_error(OR_FAILED_PRECONDITION, "oneDNN already runs in this process with another limit than \"%s\"",
                      isa != NULL ? isa : "");
  }
  if (or_ok(status)) *out = &library;
  pthread_mutex_unlock(&open_mutex);
  return status;
}

static or_status_t load_locked(dnnl_cpu_isa_t isa) {
  static const char *const names[] = {"libdnnl.so.2", NULL};
#define REQUIRED true
#define OPTIONAL false
#define SYMBOL(needed, name) {#name, (void **)(void *)&library.name, needed},
  const or_dynlib_symbol_t symbols[] = {OR_DNNL_SYMBOLS(SYMBOL)};
#undef SYMBOL
#undef OPTIONAL
#undef REQUIRED
  void *handle = NULL;
  or_status_t status = or_dynlib_open(names, symbols, sizeof symbols / sizeof symbols[0], &handle);
  if (!or_ok(status)) return status;
  const dnnl_version_t *version = library.dnnl_version();
  or_format(library.version, sizeof library.version, "%d.%d.%d", version->major, version->minor, version->patch);
  if (isa != dnnl_cpu_isa_all &&
      (library.dnnl_set_max_cpu_isa == NULL || library.dnnl_set_max_cpu_isa(isa) != dnnl_success)) {
    return or_error(OR_UNAVAILABLE, "oneDNN %s can't be limited to an instruction set any more", library.version);
  }
  status = or_dnnl_check(library.dnnl_engine_create(&library.engine, dnnl_cpu, 0), "dnnl_engine_create");
  opened = or_ok(status);
  opened_isa = isa;
  return status;
}

const char *or_dnnl_version(const or_dnnl_t *dnnl) { return dnnl->version; }

or_status_t or_dnnl_check(dnnl_status_t answer, const char *call) {
  switch (answer) {
  case dnnl_success: return or_status_success();
  case dnnl_out_of_memory: return or_error(OR_RESOURCE_EXHAUSTED, "%s: out of memory", call);
  case dnnl_unimplemented: return or_error(OR_UNIMPLEMENTED, "%s: not implemented for this", call);
  default: return or_error(OR_INTERNAL, "%s answered %d", call, (int)answer);
  }
}

bool or_dnnl_can_be_limited(const or_dnnl_t *dnnl) {
  const unsigned runtime = dnnl->dnnl_version()->cpu_runtime;
  return runtime == DNNL_RUNTIME_SEQ || (runtime == DNNL_RUNTIME_OMP && or_parallel_limits_vendor());
}

or_status_t or_dnnl_stream_create(const or_dnnl_t *dnnl, void **out) {
  dnnl_stream_t stream = NULL;
  or_status_t status =
      or_dnnl_check(dnnl->dnnl_stream_create(&stream, dnnl->engine, dnnl_stream_default_flags), "dnnl_stream_create");
  *out = stream;
  return status;
}

/* What is destroyed can't be kept, so an answer of the destroying functions would help nobody: they have none but
 * success for what they made. */
void or_dnnl_stream_destroy(const or_dnnl_t *dnnl, void *stream) { (void)dnnl->dnnl_stream_destroy(stream); }

/* Of two: not every version has it as one. */
static or_status_t append_hard_sigmoid(const or_dnnl_t *dnnl, const or_act_t *act, dnnl_post_ops_t post_ops) {
  or_status_t status =
      or_dnnl_check(dnnl->dnnl_post_ops_append_eltwise(post_ops, 1.0F, dnnl_eltwise_linear, act->lo, act->hi),
                    "dnnl_post_ops_append_eltwise");
  if (!or_ok(status)) return status;
  return or_dnnl_check(dnnl->dnnl_post_ops_append_eltwise(post_ops, 1.0F, dnnl_eltwise_clip, 0.0F, 1.0F),
                       "dnnl_post_ops_append_eltwise");
}

static or_status_t append_activation(const or_dnnl_t *dnnl, const or_act_t *act, dnnl_post_ops_t post_ops) {
  dnnl_alg_kind_t kind = dnnl_alg_kind_undef;
  float alpha = 0.0F, beta = 0.0F;
  switch (act->kind) {
  case OR_ACT_NONE: return or_status_success();
  case OR_ACT_RELU: kind = dnnl_eltwise_relu; break;
  case OR_ACT_CLIP:
    kind = dnnl_eltwise_clip;
    alpha = act->lo;
    beta = act->hi;
    break;
  case OR_ACT_SIGMOID: kind = dnnl_eltwise_logistic; break;
  case OR_ACT_TANH: kind = dnnl_eltwise_tanh; break;
  case OR_ACT_GELU_ERF: kind = dnnl_eltwise_gelu_erf; break;
  case OR_ACT_GELU_TANH: kind = dnnl_eltwise_gelu_tanh; break;
  case OR_ACT_SILU:
    kind = dnnl_eltwise_swish;
    alpha = 1.0F;
    break;
  case OR_ACT_HARD_SWISH: /* the first versions have these two fixed */
    kind = dnnl_eltwise_hardswish;
    alpha = 1.0F / 6.0F;
    beta = 0.5F;
    break;
  case OR_ACT_LEAKY_RELU:
    kind = dnnl_eltwise_relu;
    alpha = act->lo;
    break;
  case OR_ACT_HARD_SIGMOID: return append_hard_sigmoid(dnnl, act, post_ops);
  case OR_ACT_COUNT: return or_error(OR_INTERNAL, "not an activation");
  }
  return or_dnnl_check(dnnl->dnnl_post_ops_append_eltwise(post_ops, 1.0F, kind, alpha, beta),
                       "dnnl_post_ops_append_eltwise");
}

/* Scratch from our plan, float32 as float32, and what follows the sum. */
static or_status_t set_attributes(const or_dnnl_t *dnnl, const or_dnnl_make_t *make, dnnl_primitive_attr_t attributes,
                                  dnnl_post_ops_t post_ops) {
  or_status_t status =
      or_dnnl_check(dnnl->dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
                    "dnnl_primitive_attr_set_scratchpad_mode");
  if (or_ok(status) && dnnl->dnnl_primitive_attr_set_fpmath_mode != NULL) {
    status = or_dnnl_check(dnnl->dnnl_primitive_attr_set_fpmath_mode(attributes, dnnl_fpmath_mode_strict),
                           "dnnl_primitive_attr_set_fpmath_mode");
  }
  if (or_ok(status) && make->sum) {
    status = or_dnnl_check(dnnl->dnnl_post_ops_append_sum(post_ops, 1.0F), "dnnl_post_ops_append_sum");
  }
  if (or_ok(status)) status = append_activation(dnnl, &make->act, post_ops);
  if (or_ok(status)) {
    status =
        or_dnnl_check(dnnl->dnnl_primitive_attr_set_post_ops(attributes, post_ops), "dnnl_primitive_attr_set_post_ops");
  }
  return status;
}

static or_status_t make_desc(const or_dnnl_t *dnnl, const or_dnnl_make_t *make, dnnl_primitive_desc_t *out) {
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t post_ops = NULL;
  or_status_t status = or_dnnl_check(dnnl->dnnl_primitive_attr_create(&attributes), "dnnl_primitive_attr_create");
  if (!or_ok(status)) return status;
  status = or_dnnl_check(dnnl->dnnl_post_ops_create(&post_ops), "dnnl_post_ops_create");
  if (!or_ok(status)) goto destroy_attributes;
  status = set_attributes(dnnl, make, attributes, post_ops);
  if (!or_ok(status)) goto destroy_post_ops;
  if (make->desc != NULL) {
    status = or_dnnl_check(dnnl->dnnl_primitive_desc_create(out, make->desc, attributes, dnnl->engine, NULL),
                           "dnnl_primitive_desc_create");
  } else {
    status = or_dnnl_check(
        dnnl->dnnl_reorder_primitive_desc_create(out, make->from, dnnl->engine, make->to, dnnl->engine, attributes),
        "dnnl_reorder_primitive_desc_create");
  }
destroy_post_ops:
  (void)dnnl->dnnl_post_ops_destroy(post_ops);
destroy_attributes:
  (void)dnnl->dnnl_primitive_attr_destroy(attributes);
  return status;
}

static void read_desc(const or_dnnl_t *dnnl, dnnl_primitive_desc_t desc, or_dnnl_op_t *op) {
  static const int arguments[OR_DNNL_ROLES] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST,
                                               DNNL_ARG_SCRATCHPAD};
  memcpy(op->arguments, arguments, sizeof arguments);
  for (int role = 0; role < OR_DNNL_ROLES; ++role) {
    const dnnl_memory_desc_t *found = dnnl->dnnl_primitive_desc_query_md(desc, dnnl_query_exec_arg_md, arguments[role]);
    if (found != NULL) op->layouts[role].desc = *found;
  }
  const char *kernel = NULL;
  if (dnnl->dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, (void *)&kernel) != dnnl_success ||
      kernel == NULL) {
    kernel = "";
  }
  or_format(op->kernel, sizeof op->kernel, "%s", kernel);
}

/* oneDNN does not outlive an allocation of its own that fails: so it is asked only while what it takes can be had. */
static or_status_t look_for_room(void) {
  void *room = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return or_error(OR_RESOURCE_EXHAUSTED, "no %zu bytes for oneDNN to work in", ROOM_BYTES);
  (void)munmap(room, ROOM_BYTES);
  return or_status_success();
}

or_status_t or_dnnl_op_make(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_make_t *make,
                            or_dnnl_op_t **out) {
  dnnl_primitive_desc_t desc = NULL;
  void *memory = NULL;
  *out = NULL;
  or_status_t status = look_for_room();
  if (or_ok(status)) status = make_desc(dnnl, make, &desc);
  if (!or_ok(status)) return status;
  status = or_alloc_zeroed(allocator, sizeof(or_dnnl_op_t), &memory);
  if (or_ok(status)) {
    or_dnnl_op_t *op = memory;
    op->dnnl = dnnl;
    op->allocator = allocator;
    read_desc(dnnl, desc, op);
    status = or_dnnl_check(dnnl->dnnl_primitive_create(&op->primitive, desc), "dnnl_primitive_create");
    if (or_ok(status)) {
      *out = op;
    } else {
      or_free(allocator, op);
    }
  }
  (void)dnnl->dnnl_primitive_desc_destroy(desc);
  return status;
}

void or_dnnl_op_release(void *self) {
  or_dnnl_op_t *op = self;
  if (op == NULL) return;
  (void)op->dnnl->dnnl_primitive_destroy(op->primitive);
  or_free(op->allocator, op);
}

const char *or_dnnl_op_kernel(const or_dnnl_op_t *op) { return op->kernel; }

const or_dnnl_layout_t *or_dnnl_op_layout(const or_dnnl_op_t *op, or_dnnl_role_t role) {
  return op->layouts[role].desc.ndims > 0 ? &op->layouts[role] : NULL;
}

const or_dnnl_layout_t *or_dnnl_op_dense(const or_dnnl_op_t *op, or_dnnl_role_t role) {
  return op->dense[role].desc.ndims > 0 ? &op->dense[role] : NULL;
}

bool or_dnnl_layout_is_channels_last(const or_dnnl_layout_t *layout) {
  const dnnl_memory_desc_t *desc = &layout->desc;
  if (desc->ndims != 4 || desc->data_type != dnnl_f32 || desc->format_kind != dnnl_blocked) return false;
  dnnl_memory_desc_t expected;
  return library.dnnl_memory_desc_init_by_tag(&expected, 4, desc->dims, dnnl_f32, dnnl_nhwc) == dnnl_success &&
         library.dnnl_memory_desc_equal(desc, &expected) != 0;
}

or_status_t or_dnnl_layout_of_images(const or_dnnl_t *dnnl, or_arena_t *arena, const int64_t dims[4],
                                     bool channels_last, const or_dnnl_layout_t **out) {
  void *memory = NULL;
  or_status_t status = or_arena_alloc(arena, sizeof(or_dnnl_layout_t), &memory);
  if (!or_ok(status)) return status;
  or_dnnl_layout_t *layout = memory;
  dnnl_dims_t extents = {dims[0], dims[1], dims[2], dims[3]};
  *out = layout;
  return or_dnnl_check(
      dnnl->dnnl_memory_desc_init_by_tag(&layout->desc, 4, extents, dnnl_f32, channels_last ? dnnl_nhwc : dnnl_nchw),
      "dnnl_memory_desc_init_by_tag");
}

size_t or_dnnl_layout_bytes(const or_dnnl_layout_t *layout) {
  return layout != NULL ? library.dnnl_memory_desc_get_size(&layout->desc) : 0;
}

bool or_dnnl_layout_equal(const or_dnnl_layout_t *a, const or_dnnl_layout_t *b) {
  return library.dnnl_memory_desc_equal(&a->desc, &b->desc) != 0;
}

/* FNV-1a over what decides the order in memory; not over the struct's bytes, of which some mean nothing. */
uint64_t or_dnnl_layout_hash(const or_dnnl_layout_t *layout) {
  const dnnl_memory_desc_t *desc = &layout->desc;
  const dnnl_blocking_desc_t *blocking = &desc->format_desc.blocking;
  int64_t numbers[4 * DNNL_MAX_NDIMS + 4] = {desc->ndims, (int64_t)desc->format_kind, (int64_t)desc->extra.flags,
                                             (int64_t)desc->data_type};
  size_t count = 4;
  for (int i = 0; i < desc->ndims; ++i) {
    numbers[count++] = desc->dims[i];
    if (desc->format_kind == dnnl_blocked) numbers[count++] = blocking->strides[i];
  }
  for (int i = 0; desc->format_kind == dnnl_blocked && i < blocking->inner_nblks; ++i) {
    numbers[count++] = blocking->inner_blks[i];
    numbers[count++] = blocking->inner_idxs[i];
  }
  uint64_t hash = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < count; ++i) hash = (hash ^ (uint64_t)numbers[i]) * UINT64_C(1099511628211);
  return hash;
}

/* Owned by a frame, used by one run at a time. */
struct or_dnnl_call_t {
  const or_dnnl_op_t *op;
  dnnl_memory_t memories[OR_DNNL_ROLES]; /* NULL: no such operand */
  dnnl_exec_arg_t arguments[OR_DNNL_ROLES];
  int argument_count;
  bool fixed[OR_DNNL_ROLES];
};

or_status_t or_dnnl_call_create(const or_dnnl_op_t *op, void *const fixed[OR_DNNL_ROLES], or_dnnl_call_t **out) {
  const or_dnnl_t *dnnl = op->dnnl;
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(op->allocator, sizeof(or_dnnl_call_t), &memory);
  if (!or_ok(status)) return status;
  or_dnnl_call_t *call = memory;
  call->op = op;
  for (int role = 0; or_ok(status) && role < OR_DNNL_ROLES; ++role) {
    if (op->layouts[role].desc.ndims == 0) continue;
    void *handle = fixed[role] != NULL ? fixed[role] : DNNL_MEMORY_NONE;
    call->fixed[role] = fixed[role] != NULL;
    status =
        or_dnnl_check(dnnl->dnnl_memory_create(&call->memories[role], &op->layouts[role].desc, dnnl->engine, handle),
                      "dnnl_memory_create");
    call->arguments[call->argument_count++] = (dnnl_exec_arg_t){op->arguments[role], call->memories[role]};
  }
  if (or_ok(status)) {
    *out = call;
  } else {
    or_dnnl_call_destroy(call);
  }
  return status;
}

void or_dnnl_call_destroy(void *self) {
  or_dnnl_call_t *call = self;
  if (call == NULL) return;
  for (int role = 0; role < OR_DNNL_ROLES; ++role) {
    if (call->memories[role] != NULL) (void)call->op->dnnl->dnnl_memory_destroy(call->memories[role]);
  }
  or_free(call->op->allocator, call);
}

or_status_t or_dnnl_call_run(or_dnnl_call_t *call, void *stream, void *const operands[OR_DNNL_ROLES]) {
  const or_dnnl_t *dnnl = call->op->dnnl;
  for (int role = 0; role < OR_DNNL_ROLES; ++role) {
    if (call->memories[role] == NULL || call->fixed[role]) continue;
    dnnl_status_t answer = dnnl->dnnl_memory_set_data_handle_v2(call->memories[role], operands[role], stream);
    if (answer != dnnl_success) return or_dnnl_check(answer, "dnnl_memory_set_data_handle_v2");
  }
  return or_dnnl_check(dnnl->dnnl_primitive_execute(call->op->primitive, stream, call->argument_count, call->arguments),
                       "dnnl_primitive_execute");
}

#endif
