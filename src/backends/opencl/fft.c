/* Stockham's transform in passes of the radices that the length has; lengths with a prime factor above MAX_RADIX by a
 * convolution (L. Bluestein, A linear filtering approach to the computation of discrete Fourier transform, 1970). */
#include <assert.h>
#include <math.h>

#include "backends/opencl/fft_internal.h"
#include "backends/opencl/fft_tables.h"
#include "base/string.h"

#define MAX_RADIX 31
#define MAX_PASSES 32

void or_cl_fft_init(or_cl_build_t *build, bool wide, or_cl_fft_t *out) {
  *out = (or_cl_fft_t){.build = build, .traits = or_cl_device_traits(or_cl_build_device(build)), .wide = wide};
  out->pair_bytes = 2 * (wide ? sizeof(double) : sizeof(float));
}

/* ---- radices ---- */

/* Of 2^bits as even radices of at most 2^most, as few and as equal as can be. */
static size_t even_radices(size_t bits, size_t most, int *radices) {
  size_t count = (bits + most - 1) / most;
  for (size_t i = 0; i < count; ++i) radices[i] = 1 << (bits / count + (i < bits % count ? 1 : 0));
  return count;
}

/* How many passes; 0: a prime factor is too large. */
static size_t factorize(size_t n, size_t most_bits, int radices[MAX_PASSES]) {
  size_t bits = 0, count;
  for (; n % 2 == 0; n /= 2) ++bits;
  count = even_radices(bits, most_bits, radices);
  for (size_t radix = 3; radix <= MAX_RADIX; radix += 2) {
    for (; n % radix == 0; n /= radix) radices[count++] = (int)radix;
  }
  if (n > 1) return 0;
  if (count == 0) radices[count++] = 1;
  return count;
}

static bool is_smooth(size_t n) {
  int radices[MAX_PASSES];
  return factorize(n, 4, radices) > 0;
}

static size_t convolution_length(size_t n) {
  size_t m = 1;
  while (m < 2 * n - 1) m *= 2;
  return m;
}

bool or_cl_fft_fits(size_t n, size_t inner) {
  if (n == 0 || n > INT32_MAX / 4 || inner == 0 || inner > INT32_MAX) return false;
  size_t longest = is_smooth(n) ? n : convolution_length(n);
  return longest <= (size_t)INT32_MAX / inner;
}

/* ---- memory and tables ---- */

or_status_t or_cl_fft_scratch(const or_cl_fft_t *fft, size_t outer, size_t n, size_t inner, or_slot_id_t *out) {
  size_t bytes = 0;
  if (!or_mul_size(outer, n, &bytes) || !or_mul_size(bytes, inner, &bytes) ||
      !or_mul_size(bytes, fft->pair_bytes, &bytes))
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu transforms of %zu points", outer, n);
  return or_cl_build_scratch(fft->build, bytes, out);
}

static or_status_t add_table(const or_cl_fft_t *fft, const char *name, or_cl_fft_table_t table,
                             or_status_t (*fill)(const void *, const void *, void *), or_slot_id_t *out) {
  void *self = NULL;
  or_cl_packing_t packing = {.bytes = table.count * fft->pair_bytes, .fill = fill};
  or_status_t status = or_cl_build_temporary(fft->build, sizeof table, &self);
  if (!or_ok(status)) return status;
  table.wide = fft->wide;
  *(or_cl_fft_table_t *)self = table;
  packing.self = self;
  (void)or_format(packing.packing, sizeof packing.packing, "fft %s %zu of %zu f%d", name, table.count, table.n,
                  fft->wide ? 64 : 32);
  return or_cl_build_packed(fft->build, &packing, out);
}

or_status_t or_cl_fft_roots(const or_cl_fft_t *fft, size_t n, size_t count, or_slot_id_t *out) {
  return add_table(fft, "roots", (or_cl_fft_table_t){.n = n, .count = count}, or_cl_fft_fill_roots, out);
}

/* ---- one transform ---- */

/* kernels/fft.cl: what x's imaginary parts and y's parts are multiplied by. */
typedef struct factors_t {
  double in_imaginary, out_real, out_imaginary;
} factors_t;
#define UNCHANGED ((factors_t){1, 1, 1})

typedef union packed_factors_t {
  float narrow[4];
  double wide[4];
} packed_factors_t;

static or_cl_argument_t factors_argument(const or_cl_fft_t *fft, factors_t factors, packed_factors_t *memory) {
  const double values[4] = {factors.in_imaginary, factors.out_real, factors.out_imaginary, 0};
  for (int i = 0; i < 4; ++i) {
    if (fft->wide) memory->wide[i] = values[i];
    if (!fft->wide) memory->narrow[i] = (float)values[i];
  }
  return or_cl_bytes(memory, fft->wide ? sizeof memory->wide : sizeof memory->narrow);
}

static or_status_t passes(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape, factors_t factors,
                          or_slot_id_t source, or_slot_id_t target);
static or_status_t convolution(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape, factors_t factors,
                               or_slot_id_t source, or_slot_id_t target);

or_status_t or_cl_fft_add(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape, or_slot_id_t source,
                          or_slot_id_t target) {
  double sign = shape->inverse ? -1 : 1;
  const factors_t factors = {sign, shape->scale, sign * shape->scale};
  assert(source != target && or_cl_fft_fits(shape->n, shape->inner));
  if (is_smooth(shape->n)) return passes(fft, shape, factors, source, target);
  return convolution(fft, shape, factors, source, target);
}

/* ---- passes ---- */

typedef struct pass_t {
  int radix;
  size_t places, length; /* side by side; of the sequences that there are after it */
  size_t outer;
  or_slot_id_t from, to, roots;
  size_t step;
} pass_t;

#define VECTOR 8u /* places or elements of a work item where the compiler makes no vectors of work items */
#define ACROSS_FROM \
  16u /* neighbouring work items are to read neighbours: places once there are so many, else elements */

/* Groups of few sizes, because some compilers build a kernel for each; kernels turn work items past the end away. */
static void pass_size(const or_cl_fft_t *fft, const size_t extents[3], or_cl_launch_t *launch) {
  size_t first = extents[0] >= 16 ? 16 : 2, second = 1;
  if (!fft->traits->is_cpu) {
    first = extents[0] >= 64 ? 64 : 16;
    second = 64 / first;
  }
  launch->dimensions = 3;
  launch->global[0] = (extents[0] + first - 1) / first * first;
  launch->global[1] = (extents[1] + second - 1) / second * second;
  launch->global[2] = extents[2];
  launch->local[0] = first;
  launch->local[1] = second;
  launch->local[2] = 1;
  launch->any_group = true;
}

static or_status_t add_pass(const or_cl_fft_t *fft, const pass_t *pass, factors_t factors) {
  static const char *const entries[] = {
      [2] = "pass2", [3] = "pass3", [4] = "pass4", [5] = "pass5", [7] = "pass7", [8] = "pass8", [16] = "pass16"};
  char options[64];
  packed_factors_t memory;
  bool across = pass->places >= ACROSS_FROM || pass->places >= pass->length;
  size_t near = across ? pass->places : pass->length, far = across ? pass->length : pass->places;
  bool beside = across || pass->places == 1; /* neighbours lie side by side */
  size_t width = fft->traits->is_cpu && beside && near % VECTOR == 0 ? VECTOR : 1;
  const char *entry = pass->radix <= 16 ? entries[pass->radix] : NULL;
  double points = (double)pass->places * (double)pass->length * (double)pass->outer * pass->radix;
  const or_cl_argument_t arguments[] = {or_cl_slot(pass->from),           or_cl_slot(pass->to),
                                        or_cl_slot(pass->roots),          or_cl_int((int64_t)pass->places),
                                        or_cl_int((int64_t)pass->length), or_cl_int((int64_t)pass->step),
                                        or_cl_int(pass->radix),           factors_argument(fft, factors, &memory)};
  (void)or_format(options, sizeof options, "-DT=%s -DACROSS=%d -DW=%zu", fft->wide ? "double" : "float", across, width);
  or_cl_launch_t launch = {.source = "fft",
                           .entry = entry != NULL ? entry : "passany",
                           .options = options,
                           .arguments = arguments,
                           .argument_count = sizeof arguments / sizeof *arguments,
                           .flops = points * (entry != NULL ? 5 * log2(pass->radix) : 4.0 * pass->radix),
                           .bytes = 2 * points * (double)fft->pair_bytes};
  pass_size(fft, (const size_t[]){near / width, far, pass->outer}, &launch);
  return or_cl_build_launch(fft->build, &launch);
}

#define LINE_POINTS 16u /* of a work item; kernels/fft.cl */
#define LINE_GROUP 256u /* work items of a group, where lines are shorter */

/* How many lines a group takes, each whole in local memory; 0: that is no way to do it. */
static size_t lines_of_group(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape) {
  const or_cl_traits_t *traits = fft->traits;
  size_t n = shape->n, items = n / LINE_POINTS, bytes = n * fft->pair_bytes;
  if (traits->is_cpu || shape->inner != 1 || n < LINE_POINTS || (n & (n - 1)) != 0) return 0;
  if (items > LINE_GROUP || items > traits->max_group || items > traits->max_items[0]) return 0;
  size_t count = LINE_GROUP / items;
  while (count > 0 && (count * bytes > traits->local_bytes / 4 * 3 || count * items > traits->max_group ||
                       count > traits->max_items[1]))
    count /= 2;
  return count;
}

static or_status_t lines(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape, factors_t factors,
                         const or_slot_id_t places[3], size_t group) {
  int radices[MAX_PASSES], digits = 0;
  char options[64];
  packed_factors_t memory;
  size_t n = shape->n, count = factorize(n, 4, radices);
  for (size_t i = count; i-- > 0;) {
    int bits = 1;
    while (1 << bits < radices[i]) ++bits;
    digits = digits << 4 | bits;
  }
  const or_cl_argument_t arguments[] = {or_cl_slot(places[0]), or_cl_slot(places[1]),
                                        or_cl_slot(places[2]), or_cl_local(group * n * fft->pair_bytes),
                                        or_cl_int((int64_t)n), or_cl_int((int64_t)shape->outer),
                                        or_cl_int(digits),     factors_argument(fft, factors, &memory)};
  double points = (double)n * (double)shape->outer;
  (void)or_format(options, sizeof options, "-DT=%s -DACROSS=0 -DW=1", fft->wide ? "double" : "float");
  const or_cl_launch_t launch = {.source = "fft",
                                 .entry = "lines",
                                 .options = options,
                                 .arguments = arguments,
                                 .argument_count = sizeof arguments / sizeof *arguments,
                                 .dimensions = 2,
                                 .global = {n / LINE_POINTS, (shape->outer + group - 1) / group * group},
                                 .local = {n / LINE_POINTS, group},
                                 .flops = 5 * points * log2((double)n),
                                 .bytes = 2 * points * (double)fft->pair_bytes};
  return or_cl_build_launch(fft->build, &launch);
}

/* Each pass writes the other of two places, the last one `target`; short lines in one launch where that can be. */
static or_status_t passes(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape, factors_t factors,
                          or_slot_id_t source, or_slot_id_t target) {
  int radices[MAX_PASSES];
  size_t count = factorize(shape->n, 4, radices), group = lines_of_group(fft, shape);
  or_slot_id_t other = OR_NO_SLOT;
  pass_t pass = {.places = shape->inner, .length = shape->n, .outer = shape->outer, .from = source, .step = 1};
  or_status_t status = or_cl_fft_roots(fft, shape->n, shape->n, &pass.roots);
  if (or_ok(status) && group > 0)
    return lines(fft, shape, factors, (const or_slot_id_t[]){source, target, pass.roots}, group);
  if (or_ok(status) && count > 1) status = or_cl_fft_scratch(fft, shape->outer, shape->n, shape->inner, &other);
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    bool last = i + 1 == count;
    pass.radix = radices[i];
    pass.length /= (size_t)pass.radix;
    pass.to = (count - 1 - i) % 2 == 0 ? target : other;
    const factors_t own = {i == 0 ? factors.in_imaginary : 1, last ? factors.out_real : 1,
                           last ? factors.out_imaginary : 1};
    status = add_pass(fft, &pass, own);
    pass.from = pass.to;
    pass.places *= (size_t)pass.radix;
    pass.step *= (size_t)pass.radix;
  }
  return status;
}

/* ---- convolution ---- */

or_status_t or_cl_fft_edge(const or_cl_fft_t *fft, const or_cl_fft_edge_t *edge, const or_cl_argument_t *arguments,
                           size_t count) {
  char options[64];
  const char *type = fft->wide ? "double" : "float";
  (void)or_format(options, sizeof options, "-DT=%s -DTX=%s", type, edge->edge != NULL ? edge->edge : type);
  size_t first = edge->dims[0] >= 16 ? 16 : 1, second = 64 / first;
  const or_cl_launch_t launch = {.source = "fft_edges",
                                 .entry = edge->entry,
                                 .options = options,
                                 .arguments = arguments,
                                 .argument_count = count,
                                 .dimensions = 3,
                                 .global = {(edge->dims[0] + first - 1) / first * first,
                                            (edge->dims[1] + second - 1) / second * second, edge->dims[2]},
                                 .local = {first, second, 1},
                                 .any_group = true,
                                 .bytes = edge->bytes};
  return or_cl_build_launch(fft->build, &launch);
}

typedef struct convolution_t {
  size_t m;
  or_slot_id_t chirps, spectrum, first, second;
} convolution_t;

static or_status_t convolution_tables(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape, convolution_t *out) {
  void *work = NULL;
  size_t n = shape->n;
  out->m = convolution_length(n);
  or_status_t status = or_cl_build_temporary(fft->build, 2 * out->m * sizeof(double), &work);
  if (or_ok(status))
    status = add_table(fft, "chirps", (or_cl_fft_table_t){.n = n, .count = n}, or_cl_fft_fill_chirps, &out->chirps);
  const or_cl_fft_table_t spectrum = {.n = n, .m = out->m, .count = out->m, .work = work};
  if (or_ok(status)) status = add_table(fft, "spectrum", spectrum, or_cl_fft_fill_spectrum, &out->spectrum);
  if (or_ok(status)) status = or_cl_fft_scratch(fft, shape->outer, out->m, shape->inner, &out->first);
  if (or_ok(status)) status = or_cl_fft_scratch(fft, shape->outer, out->m, shape->inner, &out->second);
  return status;
}

/* In and out of the convolution's length. */
static or_status_t add_chirp(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape, const convolution_t *it,
                             factors_t factors, const or_slot_id_t ends[2], bool in) {
  packed_factors_t memory;
  size_t length = in ? it->m : shape->n;
  const or_cl_argument_t arguments[] = {or_cl_slot(ends[0]),
                                        or_cl_slot(ends[1]),
                                        or_cl_slot(it->chirps),
                                        or_cl_int((int64_t)shape->inner),
                                        or_cl_int((int64_t)shape->n),
                                        or_cl_int((int64_t)it->m),
                                        factors_argument(fft, factors, &memory)};
  const or_cl_fft_edge_t edge = {.entry = in ? "chirp" : "unchirp",
                                 .dims = {shape->inner, length, shape->outer},
                                 .bytes = 2.0 * (double)(shape->inner * shape->outer) * (double)length *
                                          (double)fft->pair_bytes};
  return or_cl_fft_edge(fft, &edge, arguments, sizeof arguments / sizeof *arguments);
}

static or_status_t add_filter(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape, const convolution_t *it) {
  const or_cl_argument_t arguments[] = {or_cl_slot(it->second), or_cl_slot(it->spectrum),
                                        or_cl_int((int64_t)shape->inner), or_cl_int((int64_t)it->m)};
  const or_cl_fft_edge_t edge = {.entry = "filter",
                                 .dims = {shape->inner, it->m, shape->outer},
                                 .bytes = 2.0 * (double)(shape->inner * shape->outer) * (double)it->m *
                                          (double)fft->pair_bytes};
  return or_cl_fft_edge(fft, &edge, arguments, sizeof arguments / sizeof *arguments);
}

static or_status_t convolution(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape, factors_t factors,
                               or_slot_id_t source, or_slot_id_t target) {
  convolution_t it;
  or_status_t status = convolution_tables(fft, shape, &it);
  if (!or_ok(status)) return status;
  const or_cl_fft_shape_t padded = {.outer = shape->outer, .n = it.m, .inner = shape->inner};
  status = add_chirp(fft, shape, &it, factors, (const or_slot_id_t[]){source, it.first}, true);
  if (or_ok(status)) status = passes(fft, &padded, UNCHANGED, it.first, it.second);
  if (or_ok(status)) status = add_filter(fft, shape, &it);
  if (or_ok(status)) status = passes(fft, &padded, UNCHANGED, it.second, it.first);
  if (or_ok(status)) status = add_chirp(fft, shape, &it, factors, (const or_slot_id_t[]){it.first, target}, false);
  return status;
}
