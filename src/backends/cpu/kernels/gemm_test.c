#include "backends/cpu/kernels/kernels_test_internal.h"

/* One product, and everything that can vary about it. */
typedef struct case_t {
  size_t m, n, k;
  bool trans_a, trans_b, packed_a, packed_b, virtual_b;
  unsigned threads;
  double alpha, beta;
  bool bias_col, bias_row, residual, in_place; /* in_place: the residual is C */
  or_act_kind_t act;
} case_t;

static const or_cpu_caches_t tiny_caches = {4096, 16384, 65536}, usual_caches = {32768, 524288, 8388608};

static double activation(or_act_kind_t kind, double x) {
  switch (kind) {
  case OR_ACT_RELU: return x < 0.0 ? 0.0 : x;
  case OR_ACT_CLIP: return x < -0.25 ? -0.25 : x > 0.5 ? 0.5 : x;
  case OR_ACT_SIGMOID: return 1.0 / (1.0 + exp(-x));
  case OR_ACT_TANH: return tanh(x);
  case OR_ACT_GELU_ERF: return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
  case OR_ACT_GELU_TANH: return 0.5 * x * (1.0 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
  case OR_ACT_SILU: return x / (1.0 + exp(-x));
  case OR_ACT_HARD_SWISH: return x * fmin(fmax(x + 3.0, 0.0), 6.0) / 6.0;
  case OR_ACT_LEAKY_RELU: return x < 0.0 ? -0.25 * x : x;
  case OR_ACT_HARD_SIGMOID: return fmin(fmax(-0.25 * x + 0.5, 0.0), 1.0);
  default: return x;
  }
}

/* The element types: how to make an element from a small number and how to read one. */
typedef struct type_t {
  const char *name;
  size_t a_bytes, c_bytes;
  void (*put_a)(void *p, size_t i, float x);
  double (*get_a)(const void *p, size_t i);
  void (*put_b)(void *p, size_t i, float x);
  double (*get_b)(const void *p, size_t i);
  void (*put_c)(void *p, size_t i, float x);
  double (*get_c)(const void *p, size_t i);
  double tolerance; /* times sqrt(k) */
} type_t;

static void put_f32(void *p, size_t i, float x) { ((float *)p)[i] = x; }
static double get_f32(const void *p, size_t i) { return (double)((const float *)p)[i]; }
static void put_f64(void *p, size_t i, float x) { ((double *)p)[i] = (double)x / 3.0; }
static double get_f64(const void *p, size_t i) { return ((const double *)p)[i]; }
/* Multiples of 1/64: exact in both 16-bit types. */
static float coarse(float x) { return rintf(x * 64.0f) / 64.0f; }
static void put_bf16(void *p, size_t i, float x) {
  float value = coarse(x);
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  ((uint16_t *)p)[i] = (uint16_t)(bits >> 16);
}
/* Eight significant bits, to nearest, ties to even. */
static double get_rounded(const void *p, size_t i) {
  int exponent = 0;
  double fraction = frexp((double)((const float *)p)[i], &exponent);
  return ldexp(rint(ldexp(fraction, 8)), exponent - 8);
}
static double get_bf16(const void *p, size_t i) { return (double)test_float((uint32_t)((const uint16_t *)p)[i] << 16); }
static void put_f16(void *p, size_t i, float x) {
  or_cpu_kernels_level(0)->convert.f32_to_f16(1, &(float){coarse(x)}, (uint16_t *)p + i);
}
static double get_f16(const void *p, size_t i) {
  float value;
  or_cpu_kernels_level(0)->convert.f16_to_f32(1, (const uint16_t *)p + i, &value);
  return (double)value;
}
static void put_u8(void *p, size_t i, float x) { ((uint8_t *)p)[i] = (uint8_t)(int)(127.5f + 127.5f * x); }
static double get_u8(const void *p, size_t i) { return ((const uint8_t *)p)[i]; }
static void put_s8(void *p, size_t i, float x) { ((int8_t *)p)[i] = (int8_t)(int)floorf(128.0f * x); }
static double get_s8(const void *p, size_t i) { return ((const int8_t *)p)[i]; }
static void put_s32(void *p, size_t i, float x) { ((int32_t *)p)[i] = (int32_t)(1000.0f * x); }
static double get_s32(const void *p, size_t i) { return ((const int32_t *)p)[i]; }

static const type_t f32 = {"f32", 4, 4, put_f32, get_f32, put_f32, get_f32, put_f32, get_f32, 1.2e-6};
static const type_t f64 = {"f64", 8, 8, put_f64, get_f64, put_f64, get_f64, put_f64, get_f64, 4e-15};
static const type_t bf16 = {"bf16", 2, 4, put_bf16, get_bf16, put_bf16, get_bf16, put_f32, get_f32, 1.2e-6};
static const type_t f32_bf16 = {"f32_bf16", 4, 4, put_f32, get_rounded, put_f32, get_rounded, put_f32, get_f32, 1.2e-6};
static const type_t f16 = {"f16", 2, 4, put_f16, get_f16, put_f16, get_f16, put_f32, get_f32, 1.2e-6};
static const type_t u8s8 = {"u8s8", 1, 4, put_u8, get_u8, put_s8, get_s8, put_s32, get_s32, 0.0};
static const type_t s8s8 = {"s8s8", 1, 4, put_s8, get_s8, put_s8, get_s8, put_s32, get_s32, 0.0};

static void fill_any(void *p, size_t n, uint32_t seed, void (*put)(void *, size_t, float)) {
  uint32_t state = seed * 2654435761u + 1;
  for (size_t i = 0; i < n; ++i) put(p, i, test_uniform(&state));
}

/* The virtual operand: a stored matrix, read through the callback. */
typedef struct stored_t {
  const char *data;
  size_t ld, bytes;
} stored_t;

static void read_stored(const void *context, size_t k0, size_t kc, size_t n0, size_t nc, void *dst, size_t dst_ld) {
  const stored_t *stored = context;
  for (size_t k = 0; k < kc; ++k) {
    memcpy((char *)dst + k * dst_ld * stored->bytes, stored->data + ((k0 + k) * stored->ld + n0) * stored->bytes,
           nc * stored->bytes);
  }
}

static void *pack(const or_gemm_ops_t *ops, const case_t *c, bool is_a, const or_cpu_caches_t *caches, const void *data,
                  size_t ld) {
  const or_gemm_const_t source = {.ops = ops,
                                  .k = c->k,
                                  .extent = is_a ? c->m : c->n,
                                  .transposed = is_a ? c->trans_a : c->trans_b,
                                  .caches = *caches,
                                  .data = data,
                                  .ld = ld};
  size_t bytes = is_a ? or_gemm_packed_a_bytes(&source) : or_gemm_packed_b_bytes(&source);
  void *packed = test_aligned(bytes);
  memset(packed, 0xff, bytes); /* NaN or -1: whatever is not written shows */
  /* In two shares, as a team would. */
  size_t panel = is_a ? or_gemm_panel_a(ops) : or_gemm_panel_b(ops), middle = source.extent / 2 / panel * panel;
  (is_a ? or_gemm_pack_a_const : or_gemm_pack_b_const)(&source, middle, source.extent, packed);
  (is_a ? or_gemm_pack_a_const : or_gemm_pack_b_const)(&source, 0, middle, packed);
  return packed;
}

static double expected(const case_t *c, const type_t *type, const or_gemm_args_t *args, const void *old_c,
                       const size_t at[2], double *size) {
  const size_t i = at[0], j = at[1];
  double sum = 0.0, total = 0.0;
  for (size_t p = 0; p < c->k; ++p) {
    double a = type->get_a(args->a, c->trans_a ? p * args->lda + i : i * args->lda + p);
    double b = type->get_b(args->b, c->trans_b ? j * args->ldb + p : p * args->ldb + j);
    sum += a * b;
    total += fabs(a * b);
  }
  double value = c->alpha * sum;
  if (c->beta != 0.0) value += c->beta * type->get_c(old_c, i * args->ldc + j);
  if (args->bias_col != NULL) value += type->get_c(args->bias_col, j);
  if (args->bias_row != NULL) value += type->get_c(args->bias_row, i);
  if (args->residual != NULL) value += type->get_c(args->residual, i * args->residual_ld + j);
  *size = fabs(c->alpha) * total / sqrt((double)c->k + 1.0) + fabs(value) + 1.0;
  return activation(c->act, value);
}

static void compare(const or_cpu_kernels_t *kernels, const type_t *type, const case_t *c, const or_gemm_args_t *args,
                    const void *old) {
  /* Of large products a sample, which meets every tile. */
  const size_t step = 1 + c->m * c->n * c->k / 100000;
  for (size_t i = 0; i < c->m; ++i) {
    for (size_t j = i * 7 % step; j < c->n; j += step) {
      double size, want = expected(c, type, args, old, (const size_t[2]){i, j}, &size),
                   got = type->get_c(args->c, i * args->ldc + j);
      if (!(fabs(got - want) <= type->tolerance * size * 4.0)) {
        fail_msg("%s %s %zux%zux%zu ta%d tb%d pa%d pb%d v%d threads %u alpha %g beta %g act %d: C[%zu,%zu] is %.9g, "
                 "not %.9g",
                 kernels->name, type->name, c->m, c->n, c->k, c->trans_a, c->trans_b, c->packed_a, c->packed_b,
                 c->virtual_b, c->threads, c->alpha, c->beta, (int)c->act, i, j, got, want);
      }
    }
    for (size_t j = 0; j < c->n; ++j) {
      if (isnan(type->get_c(args->c, i * args->ldc + j))) fail_msg("C[%zu,%zu] is not written", i, j);
    }
    for (size_t j = c->n; j < args->ldc && i + 1 < c->m; ++j) { /* the gap between rows stays as it was */
      uint32_t gap;
      memcpy(&gap, (char *)args->c + (i * args->ldc + j) * type->c_bytes, sizeof gap);
      if (c->beta == 0.0 && !c->in_place) assert_int_equal(gap, 0xffffffffu);
    }
  }
}

static void check(const or_cpu_kernels_t *kernels, const or_gemm_ops_t *ops, const type_t *type, const case_t *c,
                  const or_cpu_caches_t *caches) {
  const size_t lda = (c->trans_a ? c->m : c->k) + 3, ldb = (c->trans_b ? c->k : c->n) + 1, ldc = c->n + 2,
               ldr = c->n + 5;
  /* The last row of each needs no more than its elements: the buffers end there. */
  const size_t a_rows = c->trans_a ? c->k : c->m, b_rows = c->trans_b ? c->n : c->k;
  const size_t a_count = a_rows == 0 ? 0 : (a_rows - 1) * lda + (lda - 3),
               b_count = b_rows == 0 ? 0 : (b_rows - 1) * ldb + (ldb - 1);
  const size_t c_count = c->m == 0 ? 0 : (c->m - 1) * ldc + c->n, r_count = c->m == 0 ? 0 : (c->m - 1) * ldr + c->n;
  void *a = test_buffer(0, a_count * type->a_bytes), *b = test_buffer(1, b_count * type->a_bytes);
  void *out = test_buffer(2, c_count * type->c_bytes), *old = test_buffer(3, c_count * type->c_bytes);
  void *bias_col = test_buffer(4, c->n * type->c_bytes), *bias_row = test_buffer(5, c->m * type->c_bytes);
  void *residual = test_buffer(6, r_count * type->c_bytes);
  fill_any(a, a_count, 1, type->put_a);
  fill_any(b, b_count, 2, type->put_b);
  fill_any(out, c_count, 3, type->put_c);
  fill_any(bias_col, c->n, 4, type->put_c);
  fill_any(bias_row, c->m, 5, type->put_c);
  fill_any(residual, r_count, 6, type->put_c);
  memcpy(old, out, c_count * type->c_bytes);
  /* Where C must not be read, NaN would show (integers: a large number). */
  if (c->beta == 0.0 && !c->in_place) memset(out, 0xff, c_count * type->c_bytes);

  const or_gemm_shape_t shape = {c->m, c->n, c->k, c->trans_a, c->trans_b, c->packed_a, c->packed_b, c->virtual_b};
  or_gemm_plan_t plan;
  assert_true(or_gemm_plan_init(&plan, ops, &shape, caches, c->threads));
  const stored_t stored = {b, ldb, type->a_bytes};
  or_gemm_args_t args = {.a = a,
                         .lda = lda,
                         .b = b,
                         .ldb = ldb,
                         .c = out,
                         .ldc = ldc,
                         .alpha = c->alpha,
                         .beta = c->beta,
                         .bias_col = c->bias_col ? bias_col : NULL,
                         .bias_row = c->bias_row ? bias_row : NULL,
                         .residual = c->residual ? residual : NULL,
                         .residual_ld = ldr,
                         .act = {c->act, -0.25f, 0.5f},
                         .read_b = read_stored,
                         .read_b_context = &stored};
  or_gemm_args_t run = args;
  if (c->in_place) {
    args.residual = old;
    run.residual = out;
    args.residual_ld = run.residual_ld = ldc;
  }
  void *packed_a = c->packed_a ? pack(ops, c, true, caches, a, lda) : NULL;
  void *packed_b = c->packed_b ? pack(ops, c, false, caches, b, ldb) : NULL;
  if (packed_a != NULL) run.a = packed_a;
  if (packed_b != NULL) run.b = packed_b;
  if (c->virtual_b) run.b = NULL;
  run.workspace = test_aligned(plan.workspace_bytes);
  void *scratch = test_aligned(plan.scratch_bytes);
  memset(run.workspace, 0xff, plan.workspace_bytes);
  memset(scratch, 0xff, plan.scratch_bytes);
  /* Backwards: no tile may depend on another. */
  for (size_t i = plan.pack_tasks; i > 0; --i) or_gemm_pack(&plan, &run, i - 1);
  for (size_t i = plan.tiles; i > 0; --i) or_gemm_tile(&plan, &run, i - 1, scratch);

  compare(kernels, type, c, &args, old);
  assert_true(test_untouched(out));
  free(packed_a);
  free(packed_b);
  free(run.workspace);
  free(scratch);
}

static const size_t extents[] = {1, 2, 3, 5, 6, 7, 8, 13, 14, 15, 16, 17, 31, 33, 49, 65};
enum { EXTENTS = sizeof extents / sizeof extents[0] };

/* Every operand's form, over extents around the register tiles' sizes. */
static void sweep(const or_cpu_kernels_t *kernels, const or_gemm_ops_t *ops, const type_t *type, bool integer) {
  uint32_t state = 7;
  for (size_t i = 0; i < EXTENTS; ++i) {
    for (size_t j = 0; j < EXTENTS; ++j) {
      for (unsigned turn = 0; turn < 6; ++turn) {
        uint32_t dice = test_random(&state), form = test_random(&state) % 32;
        case_t c = {.m = extents[i],
                    .n = extents[j],
                    .k = extents[dice % EXTENTS],
                    .trans_a = form & 1,
                    .trans_b = (form >> 1) & 1,
                    .packed_a = (form >> 2) & 1,
                    .packed_b = ((form >> 3) & 3) == 1,
                    .virtual_b = ((form >> 3) & 3) == 2 && (form >> 1 & 1) == 0,
                    .threads = 1 + dice % 3,
                    .alpha = integer || dice % 2 ? 1.0 : 0.75,
                    .beta = dice % 5 == 0   ? (integer ? 1.0 : 0.5)
                            : dice % 5 == 1 ? 1.0
                                            : 0.0,
                    .bias_col = dice % 7 < 2,
                    .bias_row = dice % 11 < 3,
                    .residual = dice % 13 < 3};
        check(kernels, ops, type, &c, dice % 17 < 5 ? &usual_caches : &tiny_caches);
      }
    }
  }
}

static void multiplies_f32_of_any_size_and_form(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) sweep(kernels, kernels->gemm_f32, &f32, false);
}

static void multiplies_f64_of_any_size_and_form(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) sweep(kernels, kernels->gemm_f64, &f64, false);
}

static void multiplies_16_bit_floats_into_f32(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    sweep(kernels, kernels->gemm_bf16, &bf16, false);
    sweep(kernels, kernels->gemm_f16, &f16, false);
  }
}

/* False, said why, for a level whose machine has no products of bf16. */
static bool has_f32_bf16(const or_cpu_kernels_t *kernels) {
  if (kernels->gemm_f32_bf16 == NULL) print_message("%s: no instruction multiplies bf16\n", kernels->name);
  return kernels->gemm_f32_bf16 != NULL;
}

static void rounds_f32_to_bf16_while_it_is_packed(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    if (has_f32_bf16(kernels)) sweep(kernels, kernels->gemm_f32_bf16, &f32_bf16, false);
  }
}

static void packs_f32_as_bf16_in_half_the_bytes(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    if (!has_f32_bf16(kernels)) continue;
    const or_gemm_const_t wide = {.ops = kernels->gemm_f32, .k = 768, .extent = 768, .caches = usual_caches};
    or_gemm_const_t narrow = wide;
    narrow.ops = kernels->gemm_f32_bf16;
    assert_true(or_gemm_packed_b_bytes(&narrow) * 2 == or_gemm_packed_b_bytes(&wide));
    assert_string_not_equal(or_gemm_layout(wide.ops), or_gemm_layout(narrow.ops));
  }
}

static void multiplies_bytes_exactly(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    sweep(kernels, kernels->gemm_u8s8, &u8s8, true);
    sweep(kernels, kernels->gemm_s8s8, &s8s8, true);
  }
}

static void cuts_deep_and_wide_products_into_blocks(void **state) {
  (void)state;
  static const size_t shapes[][3] = {{150, 200, 700}, {65, 33, 1100}, {1, 300, 900},  {300, 1, 900},
                                     {2, 500, 1300},  {400, 3, 600},  {97, 513, 129}, {257, 255, 259}};
  FOR_EACH_LEVEL(kernels) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; ++i) {
      for (unsigned form = 0; form < 16; ++form) {
        case_t c = {.m = shapes[i][0],
                    .n = shapes[i][1],
                    .k = shapes[i][2],
                    .trans_a = form & 1,
                    .trans_b = form >> 1 & 1,
                    .packed_a = form >> 2 & 1,
                    .packed_b = form >> 3 & 1,
                    .threads = 1 + form % 5,
                    .alpha = 1.0,
                    .beta = form & 1 ? 0.5 : 0.0,
                    .bias_col = true,
                    .bias_row = form & 2,
                    .residual = form & 4,
                    .act = form & 8 ? OR_ACT_RELU : OR_ACT_NONE};
        const or_cpu_caches_t *caches = form % 3 == 0 ? &usual_caches : &tiny_caches;
        check(kernels, kernels->gemm_f32, &f32, &c, caches);
        if (i % 2 == 0) check(kernels, kernels->gemm_f64, &f64, &c, caches);
        if (i % 2 == 1) check(kernels, kernels->gemm_bf16, &bf16, &c, caches);
        if (kernels->gemm_f32_bf16 != NULL) check(kernels, kernels->gemm_f32_bf16, &f32_bf16, &c, caches);
        c.beta = form & 1 ? 1.0 : 0.0;
        c.act = OR_ACT_NONE;
        check(kernels, kernels->gemm_s8s8, &s8s8, &c, caches);
        if (form < 4) check(kernels, kernels->gemm_u8s8, &u8s8, &c, caches);
      }
    }
  }
}

static void adds_a_residual_that_is_c_itself_once_however_deep(void **state) {
  (void)state;
  static const size_t shapes[][3] = {{13, 37, 20}, {1, 37, 1100}, {37, 1, 1100}, {50, 70, 1500}, {7, 9, 0}};
  FOR_EACH_LEVEL(kernels) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; ++i) {
      for (unsigned form = 0; form < 4; ++form) {
        case_t c = {.m = shapes[i][0],
                    .n = shapes[i][1],
                    .k = shapes[i][2],
                    .packed_b = form & 1,
                    .threads = 2,
                    .alpha = 1.0,
                    .bias_col = form & 2,
                    .residual = true,
                    .in_place = true};
        check(kernels, kernels->gemm_f32, &f32, &c, form & 1 ? &usual_caches : &tiny_caches);
        check(kernels, kernels->gemm_f64, &f64, &c, &tiny_caches);
        check(kernels, kernels->gemm_s8s8, &s8s8, &c, &tiny_caches);
      }
    }
  }
}

static void applies_each_activation_last(void **state) {
  (void)state;
  static const size_t shapes[][3] = {{13, 37, 20}, {1, 37, 20}, {37, 1, 20}, {50, 70, 1000}};
  FOR_EACH_LEVEL(kernels) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; ++i) {
      for (int act = OR_ACT_NONE; act < OR_ACT_COUNT; ++act) {
        case_t c = {.m = shapes[i][0],
                    .n = shapes[i][1],
                    .k = shapes[i][2],
                    .threads = 2,
                    .alpha = 0.25,
                    .beta = 1.0,
                    .bias_col = true,
                    .bias_row = true,
                    .residual = true,
                    .act = (or_act_kind_t)act};
        check(kernels, kernels->gemm_f32, &f32, &c, &tiny_caches);
        if (act <= OR_ACT_CLIP) check(kernels, kernels->gemm_f64, &f64, &c, &tiny_caches);
      }
    }
  }
}

static void scales_c_where_the_depth_is_zero(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (unsigned form = 0; form < 4; ++form) {
      case_t c = {.m = form == 1 ? 1 : 9,
                  .n = form == 2 ? 1 : 21,
                  .k = 0,
                  .threads = 2,
                  .alpha = 1.0,
                  .beta = form == 3 ? 0.0 : 0.5,
                  .bias_row = true,
                  .act = OR_ACT_TANH};
      check(kernels, kernels->gemm_f32, &f32, &c, &usual_caches);
    }
  }
}

static void accepts_empty_results(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    case_t c = {.m = 0, .n = 5, .k = 7, .threads = 3, .alpha = 1.0};
    check(kernels, kernels->gemm_f32, &f32, &c, &usual_caches);
    c.m = 4;
    c.n = 0;
    check(kernels, kernels->gemm_f32, &f32, &c, &usual_caches);
  }
}

static void refuses_sizes_that_overflow(void **state) {
  (void)state;
  const or_gemm_shape_t shape = {.m = 64, .n = SIZE_MAX / 8, .k = SIZE_MAX / 8};
  const or_gemm_const_t weights = {.ops = or_cpu_kernels_level(0)->gemm_f32, .k = SIZE_MAX / 8, .extent = SIZE_MAX / 8};
  or_gemm_plan_t plan;
  assert_false(or_gemm_plan_init(&plan, or_cpu_kernels_level(0)->gemm_f32, &shape, &usual_caches, 2));
  assert_true(or_gemm_packed_b_bytes(&weights) == SIZE_MAX);
}

static void carries_nan_through_the_clipping(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t n = 1; n < 40; n += 13) {
      float a[2] = {NAN, 1.0f}, b[40], c[80];
      for (size_t i = 0; i < n; ++i) b[i] = 1.0f;
      const or_gemm_shape_t shape = {.m = 2, .n = n, .k = 1};
      or_gemm_plan_t plan;
      assert_true(or_gemm_plan_init(&plan, kernels->gemm_f32, &shape, &usual_caches, 1));
      void *scratch = test_aligned(plan.scratch_bytes), *workspace = test_aligned(plan.workspace_bytes);
      const or_gemm_args_t args = {.a = a,
                                   .lda = 1,
                                   .b = b,
                                   .ldb = n,
                                   .c = c,
                                   .ldc = n,
                                   .alpha = 1.0,
                                   .act = {OR_ACT_RELU, 0.0f, 0.0f},
                                   .workspace = workspace};
      or_gemm_run(&plan, &args, scratch);
      for (size_t i = 0; i < n; ++i) assert_true(isnan(c[i]) && c[n + i] == 1.0f);
      free(scratch);
      free(workspace);
    }
  }
}

/* Says stop from its n-th question on. */
typedef struct patience_t {
  size_t asked, until;
} patience_t;

static bool is_out_of_patience(const void *context) {
  patience_t *patience = (patience_t *)(uintptr_t)context;
  return ++patience->asked > patience->until;
}

static void stops_within_a_tile_when_it_is_told_to(void **state) {
  (void)state;
  const size_t n = 512;
  float *a = test_aligned(n * n * sizeof(float)), *c = test_aligned(n * n * sizeof(float));
  for (size_t i = 0; i < n * n; ++i) a[i] = 1.0f;
  FOR_EACH_LEVEL(kernels) {
    const or_gemm_shape_t shape = {.m = n, .n = n, .k = n};
    or_gemm_plan_t plan;
    assert_true(or_gemm_plan_init(&plan, kernels->gemm_f32, &shape, &usual_caches, 1));
    void *scratch = test_aligned(plan.scratch_bytes), *workspace = test_aligned(plan.workspace_bytes);
    patience_t patience = {.until = SIZE_MAX};
    const or_gemm_args_t args = {.a = a,
                                 .lda = n,
                                 .b = a,
                                 .ldb = n,
                                 .c = c,
                                 .ldc = n,
                                 .alpha = 1.0,
                                 .workspace = workspace,
                                 .stop = is_out_of_patience,
                                 .stop_context = &patience};
    or_gemm_run(&plan, &args, scratch);
    const size_t questions = patience.asked;
    assert_true(questions > 2 * plan.tiles + plan.pack_tasks); /* more than once a tile */
    for (size_t i = 0; i < n * n; ++i) assert_true(c[i] == (float)n);
    for (size_t until = 0; until < questions; ++until) {
      memset(c, 0, n * n * sizeof(float));
      patience = (patience_t){.until = until};
      or_gemm_run(&plan, &args, scratch);
      assert_true(patience.asked <= until + 3); /* asked again by those around the block, and no more */
      assert_true(c[n * n - 1] != (float)n);
    }
    free(scratch);
    free(workspace);
  }
  free(a);
  free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(multiplies_f32_of_any_size_and_form),
      cmocka_unit_test(multiplies_f64_of_any_size_and_form),
      cmocka_unit_test(multiplies_16_bit_floats_into_f32),
      cmocka_unit_test(rounds_f32_to_bf16_while_it_is_packed),
      cmocka_unit_test(packs_f32_as_bf16_in_half_the_bytes),
      cmocka_unit_test(multiplies_bytes_exactly),
      cmocka_unit_test(cuts_deep_and_wide_products_into_blocks),
      cmocka_unit_test(adds_a_residual_that_is_c_itself_once_however_deep),
      cmocka_unit_test(applies_each_activation_last),
      cmocka_unit_test(scales_c_where_the_depth_is_zero),
      cmocka_unit_test(accepts_empty_results),
      cmocka_unit_test(refuses_sizes_that_overflow),
      cmocka_unit_test(carries_nan_through_the_clipping),
      cmocka_unit_test(stops_within_a_tile_when_it_is_told_to),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
