/* The launches of products: which form of product.cl, with which options and sizes. */
#include <string.h>

#include "backends/opencl/product_internal.h"
#include "backends/opencl/tune.h"
#include "base/string.h"

#define OPTIONS_BYTES 256

#define ARGUMENTS 7

static int32_t parts_of(int64_t extent, int64_t part) { return (int32_t)((extent + part - 1) / part); }

char *or_cl_product_options(const or_cl_device_t *device, or_dtype_t dtype, const char *form, or_act_kind_t act,
                            char out[OPTIONS_BYTES]) {
  or_dtype_t sums = or_cl_product_sums(device, dtype);
  bool integer = or_cl_product_wraps(dtype);
  const char *element = or_cl_type_name(device, integer ? sums : dtype);
  return or_format(out, OPTIONS_BYTES, "-DFORM=%s -DS=%s -DT=%s -DACT=%d%s%s", form, element,
                   or_cl_type_name(device, sums), (int)act, integer || sums == dtype ? " -DPLAIN" : "",
                   integer ? " -DINTEGER" : "");
}

static char *add_option(char options[OPTIONS_BYTES], const char *name, int value) {
  size_t length = strlen(options);
  (void)or_format(options + length, OPTIONS_BYTES - length, " -D%s=%d", name, value);
  return options;
}

static void set_arguments(const or_cl_product_job_t *job, const or_cl_product_args_t *args, or_slot_id_t c,
                          or_cl_argument_t out[ARGUMENTS]) {
  out[0] = or_cl_slot(job->a);
  out[1] = or_cl_slot(job->b);
  out[2] = or_cl_slot(job->table != OR_NO_SLOT ? job->table : job->a);
  out[3] = or_cl_slot(job->bias != OR_NO_SLOT ? job->bias : job->a);
  out[4] = or_cl_slot(job->residual != OR_NO_SLOT ? job->residual : job->a);
  out[5] = or_cl_slot(c);
  out[6] = or_cl_bytes(args, sizeof *args);
}

static double flops_of(const or_cl_product_job_t *job) {
  return 2.0 * (double)job->batch * (double)job->args.m * (double)job->args.n * (double)job->args.k;
}

/* What is multiplied to choose between forms: dense, of one dtype, nothing added. */
typedef struct trial_t {
  or_cl_build_t *build;
  or_cl_product_job_t job;
  or_cl_product_args_t args; /* of the candidate in hand */
  char options[OPTIONS_BYTES];
  or_cl_argument_t arguments[ARGUMENTS];
  or_cl_launch_t launch;
} trial_t;

static void make_trial(or_cl_build_t *build, or_dtype_t dtype, const int32_t sizes[3], size_t batch, trial_t *trial) {
  const int32_t m = sizes[0], n = sizes[1], k = sizes[2];
  *trial = (trial_t){.build = build,
                     .job = {.dtype = dtype,
                             .batch = batch,
                             .act = OR_ACT_NONE,
                             .bias = OR_NO_SLOT,
                             .residual = OR_NO_SLOT,
                             .table = OR_NO_SLOT}};
  trial->job.args = (or_cl_product_args_t){.m = m,
                                           .n = n,
                                           .k = k,
                                           .lda = k,
                                           .ldb = n,
                                           .ldc = n,
                                           .rank = 1,
                                           .extents = {(int32_t)batch, 1, 1, 1},
                                           .width = n,
                                           .used = n,
                                           .last_start = INT32_MAX,
                                           .splits = 1,
                                           .split_k = k,
                                           .alpha = 1.0F,
                                           .c_item = (int64_t)m * n,
                                           .a_strides = {(int64_t)m * k},
                                           .b_strides = {(int64_t)k * n}};
}

/* Memory for operands and for sums, as large as the largest type of elements has it; `parts`: of k. */
static void finish_trial(trial_t *trial, int32_t parts) {
  const or_cl_product_args_t *args = &trial->job.args;
  size_t matrices = trial->job.batch * sizeof(double), m = (size_t)args->m, n = (size_t)args->n, k = (size_t)args->k;
  const size_t bytes[ARGUMENTS - 1] = {matrices * m * k, matrices * k * n, 0, 0, 0, matrices * m * n * (size_t)parts};
  for (size_t i = 0; i + 1 < ARGUMENTS; ++i) trial->arguments[i].bytes = bytes[i];
}

/* --- Panels --- */

/* What 32 or 16 vector registers hold, beside a row of B and an element of A. */
static const or_cl_panel_t PANELS[2][2] = {{{8, 2, 6}, {8, 3, 4}}, {{16, 2, 12}, {16, 3, 8}}};
#define PANEL_COUNT 2

static or_cl_panel_t panel_of(const or_cl_device_t *device, or_dtype_t sums, size_t index) {
  bool wide = or_cl_device_traits(device)->vector_floats >= 16;
  or_cl_panel_t panel = PANELS[wide ? 1 : 0][index];
  if (or_dtype_bytes(sums, 1) > sizeof(float)) panel.vector /= 2;
  return panel;
}

/* Rows that a work item keeps: each column of B that is read serves as many. */
static int rows_of_an_item(int32_t m, int most) {
  static const int choices[] = {12, 8, 6, 4, 2, 1};
  int best = 1;
  double least = 0.0;
  for (size_t i = 0; i < sizeof choices / sizeof choices[0]; ++i) {
    /* A step costs its rows and the reads, which they share. */
    double cost = (double)parts_of(m, choices[i]) * (choices[i] + 1.5);
    if (choices[i] > most || (least > 0.0 && cost >= least)) continue;
    least = cost;
    best = choices[i];
  }
  return best;
}

/* `options` and `arguments` belong to the caller. */
static or_cl_launch_t panels_launch(const or_cl_device_t *device, const or_cl_product_job_t *job, or_cl_panel_t panel,
                                    char options[OPTIONS_BYTES], or_cl_argument_t arguments[ARGUMENTS]) {
  int rows = rows_of_an_item(job->args.m, panel.rows);
  (void)or_cl_product_options(device, job->dtype, "PANELS", job->act, options);
  (void)add_option(options, "MR", rows);
  (void)add_option(options, "NV", panel.vectors);
  (void)add_option(options, "VN", panel.vector);
  set_arguments(job, &job->args, job->c, arguments);
  return (or_cl_launch_t){.source = "product",
                          .entry = "panels",
                          .options = options,
                          .arguments = arguments,
                          .argument_count = ARGUMENTS,
                          .dimensions = 3,
                          .global = {(size_t)parts_of(job->args.m, rows),
                                     (size_t)parts_of(job->args.n, or_cl_panel_columns(panel)), job->batch},
                          .local = {1, 1, 1},
                          .flops = flops_of(job),
                          .bytes = job->bytes};
}

static const or_cl_launch_t *panel_candidate(void *self, size_t index) {
  trial_t *trial = self;
  const or_cl_device_t *device = or_cl_build_device(trial->build);
  or_cl_panel_t panel = panel_of(device, trial->job.dtype, index);
  trial->job.args.ldb = or_cl_panel_columns(panel);
  trial->job.args.b_panel = (int64_t)trial->job.args.k * or_cl_panel_columns(panel);
  trial->launch = panels_launch(device, &trial->job, panel, trial->options, trial->arguments);
  finish_trial(trial, 1);
  return &trial->launch;
}

or_status_t or_cl_product_panel(or_cl_build_t *build, or_dtype_t sums, or_cl_panel_t *out) {
  static const int32_t sizes[3] = {96, 384, 384}; /* whole blocks of each candidate */
  trial_t trial;
  make_trial(build, sums, sizes, 1, &trial);
  or_cl_tune_question_t question = {.count = PANEL_COUNT, .candidate = panel_candidate, .self = &trial};
  (void)or_format(question.key, sizeof question.key, "panels.%s", or_dtype_name(sums));
  size_t choice = 0;
  or_status_t status = or_cl_tune_choose(build, &question, &choice);
  *out = panel_of(or_cl_build_device(build), sums, choice);
  return status;
}

or_status_t or_cl_product_panels(or_cl_build_t *build, const or_cl_product_job_t *job, or_cl_panel_t panel,
                                 bool offsets) {
  char options[OPTIONS_BYTES];
  or_cl_argument_t arguments[ARGUMENTS];
  or_cl_launch_t launch = panels_launch(or_cl_build_device(build), job, panel, options, arguments);
  if (offsets) (void)add_option(options, "TABLE", 1);
  return or_cl_build_launch(build, &launch);
}

or_status_t or_cl_product_lay_rows(or_cl_build_t *build, or_cl_product_job_t *job, size_t items) {
  const or_cl_device_t *device = or_cl_build_device(build);
  or_slot_id_t rows = OR_NO_SLOT;
  size_t row = (size_t)job->args.k, count = 0, bytes = 0;
  if (!or_mul_size(items, (size_t)job->args.m, &count) || !or_mul_size(count, row, &count) ||
      !or_mul_size(count, or_dtype_bytes(or_cl_product_sums(device, job->dtype), 1), &bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu matrices [%d,%d] overflow size_t", items, job->args.m, job->args.k);
  }
  or_status_t status = or_cl_build_scratch(build, bytes, &rows);
  if (!or_ok(status)) return status;
  char options[OPTIONS_BYTES];
  (void)or_cl_product_options(device, job->dtype, "PACK", OR_ACT_NONE, options);
  if (job->a_transposed) (void)add_option(options, "A_TRANSPOSED", 1);
  or_cl_argument_t arguments[] = {or_cl_slot(job->a), or_cl_slot(rows), or_cl_int(job->args.m), or_cl_int(job->args.k),
                                  or_cl_int(job->args.lda)};
  or_cl_launch_t launch = {.source = "product",
                           .entry = "lay_rows",
                           .options = options,
                           .arguments = arguments,
                           .argument_count = sizeof arguments / sizeof arguments[0],
                           .dimensions = 3,
                           .global = {(row + 63) / 64, (size_t)job->args.m, items},
                           .bytes = 2.0 * (double)bytes};
  job->a = rows;
  job->a_transposed = false;
  job->args.lda = job->args.k;
  return or_cl_build_launch(build, &launch);
}

/* --- Tiles --- */

typedef struct tile_t {
  int rows, columns, depth, item_rows, item_columns;
} tile_t;

static const tile_t TILES[] = {{128, 128, 16, 8, 8}, {128, 64, 16, 8, 4}, {64, 64, 16, 4, 4}, {32, 32, 16, 4, 4}};
#define TILE_COUNT (sizeof TILES / sizeof TILES[0])

static int items_of(const tile_t *tile) { return tile->rows / tile->item_rows * (tile->columns / tile->item_columns); }

static double groups_of(const or_cl_product_job_t *job, const tile_t *tile) {
  return (double)job->batch * parts_of(job->args.m, tile->rows) * parts_of(job->args.n, tile->columns);
}

static bool tile_fits(const or_cl_device_t *device, or_dtype_t dtype, const tile_t *tile) {
  const or_cl_traits_t *traits = or_cl_device_traits(device);
  const size_t element = or_dtype_bytes(or_cl_product_sums(device, dtype), 1);
  size_t local = 2 * element * (size_t)tile->depth * (size_t)(tile->rows + tile->columns + 8);
  const size_t items = (size_t)items_of(tile);
  return local <= traits->local_bytes && items <= traits->max_group && items <= traits->max_items[0];
}

bool or_cl_product_fits(const or_cl_device_t *device, or_dtype_t dtype) {
  return or_cl_device_traits(device)->is_cpu || tile_fits(device, dtype, &TILES[TILE_COUNT - 1]);
}

/* The largest tile that gives each unit work; the smallest where none does. */
static size_t usual_tile(const or_cl_device_t *device, const or_cl_product_job_t *job) {
  for (size_t i = 0; i + 1 < TILE_COUNT; ++i) {
    bool enough = groups_of(job, &TILES[i]) >= (double)or_cl_device_traits(device)->compute_units;
    if (enough && tile_fits(device, job->dtype, &TILES[i])) return i;
  }
  return TILE_COUNT - 1;
}

/* Parts of k that are summed apart, where the tiles of C are too few for all units. */
static void split(const or_cl_device_t *device, double groups, int32_t depth, or_cl_product_args_t *args) {
  double wanted = 2.0 * (double)or_cl_device_traits(device)->compute_units / (groups > 0.0 ? groups : 1.0);
  int32_t most = args->k / (8 * depth);
  int32_t splits = wanted < (double)most ? (int32_t)wanted : most;
  if (splits > 64) splits = 64;
  if (splits < 2) splits = 1;
  args->split_k = parts_of(parts_of(args->k, splits), depth) * depth;
  args->splits = args->k > 0 ? parts_of(args->k, args->split_k) : 1;
}

static or_status_t take_parts(or_cl_build_t *build, const or_cl_product_job_t *job, const or_cl_product_args_t *args,
                              or_slot_id_t *parts) {
  or_dtype_t sums = or_cl_product_sums(or_cl_build_device(build), job->dtype);
  size_t bytes = 0;
  if (!or_mul_size((size_t)args->m * (size_t)args->n, job->batch * (size_t)args->splits, &bytes) ||
      !or_mul_size(bytes, or_dtype_bytes(sums, 1), &bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "sums of a product [%d,%d] overflow size_t", args->m, args->n);
  }
  return or_cl_build_scratch(build, bytes, parts);
}

static or_status_t add_parts(or_cl_build_t *build, const or_cl_product_job_t *job, const or_cl_product_args_t *args,
                             or_slot_id_t parts) {
  char options[OPTIONS_BYTES];
  or_cl_argument_t arguments[] = {or_cl_slot(parts), or_cl_slot(job->bias != OR_NO_SLOT ? job->bias : job->a),
                                  or_cl_slot(job->residual != OR_NO_SLOT ? job->residual : job->a), or_cl_slot(job->c),
                                  or_cl_bytes(args, sizeof *args)};
  double elements = (double)job->batch * (double)args->m * (double)args->n;
  or_cl_launch_t launch = {
      .source = "product",
      .entry = "add_parts",
      .options = or_cl_product_options(or_cl_build_device(build), job->dtype, "FINISH", job->act, options),
      .arguments = arguments,
      .argument_count = 5,
      .dimensions = 3,
      .global = {(size_t)args->n, (size_t)args->m, job->batch},
      .flops = elements * args->splits,
      .bytes = elements * (args->splits + 1) * 4.0};
  return or_cl_build_launch(build, &launch);
}

/* Without arguments; `options` belong to the caller. */
static or_cl_launch_t tiles_launch(const or_cl_device_t *device, const or_cl_product_job_t *job,
                                   const or_cl_product_args_t *args, const tile_t *tile, char options[OPTIONS_BYTES]) {
  bool split = args->splits > 1;
  size_t items = (size_t)items_of(tile);
  (void)or_cl_product_options(device, job->dtype, "TILES", split ? OR_ACT_NONE : job->act, options);
  (void)add_option(options, "BM", tile->rows);
  (void)add_option(options, "BN", tile->columns);
  (void)add_option(options, "BK", tile->depth);
  (void)add_option(options, "TM", tile->item_rows);
  (void)add_option(options, "TN", tile->item_columns);
  if (job->a_transposed) (void)add_option(options, "A_TRANSPOSED", 1);
  if (job->b_transposed) (void)add_option(options, "B_TRANSPOSED", 1);
  if (job->image) (void)add_option(options, "IMAGE", 1);
  if (split) (void)add_option(options, "SPLIT", 1);
  return (or_cl_launch_t){.source = "product",
                          .entry = "tiles",
                          .options = options,
                          .argument_count = ARGUMENTS,
                          .dimensions = 3,
                          .global = {(size_t)parts_of(args->n, tile->columns) * items,
                                     (size_t)parts_of(args->m, tile->rows), job->batch * (size_t)args->splits},
                          .local = {items, 1, 1},
                          .flops = flops_of(job),
                          .bytes = job->bytes};
}

static const or_cl_launch_t *tile_candidate(void *self, size_t index) {
  trial_t *trial = self;
  const or_cl_device_t *device = or_cl_build_device(trial->build);
  if (!tile_fits(device, trial->job.dtype, &TILES[index])) return NULL;
  trial->args = trial->job.args;
  split(device, groups_of(&trial->job, &TILES[index]), TILES[index].depth, &trial->args);
  trial->launch = tiles_launch(device, &trial->job, &trial->args, &TILES[index], trial->options);
  set_arguments(&trial->job, &trial->args, trial->job.c, trial->arguments);
  trial->launch.arguments = trial->arguments;
  finish_trial(trial, trial->args.splits);
  return &trial->launch;
}

/* The exponent of the next power of two, at most `most`. */
static int bucket_of(int64_t size, int most) {
  int bucket = 0;
  while (bucket < most && (INT64_C(1) << bucket) < size) ++bucket;
  return bucket;
}

/* Products of fewer multiply-adds, an exponent of two, are over before a choice matters. */
#define WORTH 23

/* Sizes are told apart by powers of two, up to what takes a small GPU some milliseconds. */
static or_status_t choose_tile(or_cl_build_t *build, const or_cl_product_job_t *job, const tile_t **out) {
  const or_cl_device_t *device = or_cl_build_device(build);
  int m = bucket_of(job->args.m, 11), n = bucket_of(job->args.n, 11), k = bucket_of(job->args.k, 11);
  int batch = bucket_of((int64_t)job->batch, 31 - m - n - k > 0 ? 31 - m - n - k : 0);
  const int32_t sizes[3] = {1 << m, 1 << n, 1 << k};
  trial_t trial;
  if (m + n + k + batch < WORTH) {
    *out = &TILES[usual_tile(device, job)];
    return or_status_success();
  }
  make_trial(build, job->dtype, sizes, (size_t)1 << batch, &trial);
  or_cl_tune_question_t question = {
      .count = TILE_COUNT, .usual = usual_tile(device, job), .candidate = tile_candidate, .self = &trial};
  (void)or_format(question.key, sizeof question.key, "tiles.%s.%d.%d.%d.%d", or_dtype_name(job->dtype), m, n, k, batch);
  size_t choice = question.usual;
  or_status_t status = or_cl_tune_choose(build, &question, &choice);
  /* What was kept may be of another time, or of a file that somebody wrote. */
  *out = &TILES[tile_fits(device, job->dtype, &TILES[choice]) ? choice : question.usual];
  return status;
}

or_status_t or_cl_product_tiles(or_cl_build_t *build, const or_cl_product_job_t *job) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const tile_t *tile = NULL;
  or_status_t status = choose_tile(build, job, &tile);
  if (!or_ok(status)) return status;
  or_cl_product_args_t args = job->args;
  or_slot_id_t c = job->c;
  split(device, groups_of(job, tile), tile->depth, &args);
  if (args.splits > 1) status = take_parts(build, job, &args, &c);
  if (!or_ok(status)) return status;
  char options[OPTIONS_BYTES];
  or_cl_argument_t arguments[ARGUMENTS];
  or_cl_launch_t launch = tiles_launch(device, job, &args, tile, options);
  set_arguments(job, &args, c, arguments);
  launch.arguments = arguments;
  status = or_cl_build_launch(build, &launch);
  return or_ok(status) && args.splits > 1 ? add_parts(build, job, &args, c) : status;
}

/* --- Vectors --- */

#define LANES 32
#define SLICES 8

bool or_cl_product_vectors_fit(const or_cl_device_t *device, or_dtype_t dtype) {
  const or_cl_traits_t *traits = or_cl_device_traits(device);
  const size_t quad = 4 * or_dtype_bytes(or_cl_product_sums(device, dtype), 1);
  return (size_t)LANES * SLICES <= traits->max_group && traits->max_items[0] >= LANES &&
         traits->max_items[1] >= SLICES && OR_CL_VECTOR_ROWS * quad * LANES * SLICES <= traits->local_bytes;
}

or_status_t or_cl_product_vectors(or_cl_build_t *build, const or_cl_product_job_t *job) {
  const or_cl_device_t *device = or_cl_build_device(build);
  or_cl_product_args_t args = job->args;
  /* By columns of B a group has SLICES of them, by rows 4 LANES. */
  int32_t groups = parts_of(args.n, job->b_transposed ? SLICES : 4 * LANES);
  or_slot_id_t parts = OR_NO_SLOT;
  split(device, (double)groups * (double)job->batch / 2.0, job->b_transposed ? 4 * LANES : 2 * SLICES, &args);
  or_status_t status = take_parts(build, job, &args, &parts);
  if (!or_ok(status)) return status;
  char options[OPTIONS_BYTES];
  (void)or_cl_product_options(device, job->dtype, job->b_transposed ? "ROWS" : "COLUMNS", OR_ACT_NONE, options);
  (void)add_option(options, "MR", args.m <= 1 ? 1 : OR_CL_VECTOR_ROWS);
  (void)add_option(options, "ROW_LANES", LANES);
  (void)add_option(options, "SLICES", SLICES);
  or_cl_argument_t arguments[ARGUMENTS];
  set_arguments(job, &args, parts, arguments);
  or_cl_launch_t launch = {.source = "product",
                           .entry = job->b_transposed ? "rows" : "columns",
                           .options = options,
                           .arguments = arguments,
                           .argument_count = ARGUMENTS,
                           .dimensions = 3,
                           .global = {job->b_transposed ? LANES : (size_t)groups * LANES,
                                      job->b_transposed ? (size_t)groups * SLICES : SLICES,
                                      job->batch * (size_t)args.splits},
                           .local = {LANES, SLICES, 1},
                           .flops = flops_of(job),
                           .bytes = job->bytes};
  status = or_cl_build_launch(build, &launch);
  return or_ok(status) ? add_parts(build, job, &args, parts) : status;
}
