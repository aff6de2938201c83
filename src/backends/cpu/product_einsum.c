/* Einsums of two operands as batches of products over operands as they lie, without moving them: labels of all three
 * tensors and what does not fit a matrix are the batch; the rest of the output's labels are rows and columns, those
 * that the output leaves out are the sums. */
#include "backends/cpu/product_internal.h"
#include "ops/einsum.h"

enum { A, B, Y, TENSORS };

/* Labels that move as one dimension: how many elements, and how far apart in each tensor (0: not in it). */
typedef struct group_t {
  size_t extent, stride[TENSORS];
} group_t;

typedef struct reading_t {
  size_t extent[OR_EINSUM_MAX_LABELS], stride[TENSORS][OR_EINSUM_MAX_LABELS];
  bool in[TENSORS][OR_EINSUM_MAX_LABELS];
  uint8_t order[OR_EINSUM_MAX_LABELS]; /* labels of more than one element: the output's, then those of the sums */
  int32_t output_count, count;
} reading_t;

static void read_tensor(reading_t *reading, int tensor, const uint8_t *labels, int32_t rank) {
  size_t stride = 1;
  for (int32_t i = rank; i-- > 0;) {
    reading->in[tensor][labels[i]] = true;
    reading->stride[tensor][labels[i]] = stride;
    stride *= reading->extent[labels[i]];
  }
}

static void read_labels(const or_node_view_t *view, const or_einsum_t *einsum, reading_t *reading) {
  for (int label = 0; label < OR_EINSUM_MAX_LABELS; ++label) {
    if (einsum->used[label]) reading->extent[label] = (size_t)einsum->extent[label];
  }
  int32_t a_rank = or_view_input(view, 0)->shape.rank;
  read_tensor(reading, A, einsum->labels[0], a_rank);
  read_tensor(reading, B, einsum->labels[1], or_view_input(view, 1)->shape.rank);
  read_tensor(reading, Y, einsum->output, einsum->output_rank);
  for (int32_t i = 0; i < einsum->output_rank; ++i) {
    if (reading->extent[einsum->output[i]] != 1) reading->order[reading->count++] = einsum->output[i];
  }
  reading->output_count = reading->count;
  for (int32_t i = 0; i < a_rank; ++i) {
    uint8_t label = einsum->labels[0][i];
    if (!reading->in[Y][label] && reading->extent[label] != 1) reading->order[reading->count++] = label;
  }
}

/* Adds a dimension outside of the group; false where one stride no longer tells where elements lie. */
static bool widen_group(const reading_t *reading, uint8_t label, group_t *group) {
  for (int t = 0; t < TENSORS; ++t) {
    size_t stride = reading->in[t][label] ? reading->stride[t][label] : 0;
    if (group->extent != 1 && stride != group->extent * group->stride[t]) return false;
  }
  for (int t = 0; t < TENSORS && group->extent == 1; ++t) {
    group->stride[t] = reading->in[t][label] ? reading->stride[t][label] : 0;
  }
  group->extent *= reading->extent[label];
  return true;
}

static void add_to_batch(const reading_t *reading, uint8_t label, or_cpu_product_t *product) {
  int at = product->batch_rank++;
  product->batch *= product->batch_extent[at] = reading->extent[label];
  product->a_stride[at] = reading->in[A][label] ? reading->stride[A][label] : 0;
  product->b_stride[at] = reading->in[B][label] ? reading->stride[B][label] : 0;
  product->c_stride[at] = reading->stride[Y][label];
}

/* From the innermost label outward. False: a sum over labels of one operand alone, or of labels that lie otherwise in
 * the other. */
static bool divide(const reading_t *reading, group_t *rows, group_t *columns, group_t *sums,
                   or_cpu_product_t *product) {
  bool rows_end = false, columns_end = false;
  for (int32_t i = reading->count; i-- > 0;) {
    uint8_t label = reading->order[i];
    bool in_a = reading->in[A][label], in_b = reading->in[B][label];
    if (i >= reading->output_count) {
      if (!in_b || !widen_group(reading, label, sums)) return false;
    } else if (in_a && !in_b && !rows_end && widen_group(reading, label, rows)) {
      continue;
    } else if (in_b && !in_a && !columns_end && widen_group(reading, label, columns)) {
      continue;
    } else {
      rows_end = rows_end || !in_b;
      columns_end = columns_end || !in_a;
      add_to_batch(reading, label, product);
    }
  }
  return true;
}

/* A matrix whose rows or columns lie side by side; *ld is the other stride. */
static bool lies(const group_t *rows, const group_t *columns, int tensor, bool *transposed, size_t *ld) {
  bool row_major = columns->extent == 1 || columns->stride[tensor] == 1;
  *transposed = !row_major;
  *ld = row_major ? rows->stride[tensor] : columns->stride[tensor];
  size_t least = row_major ? columns->extent : rows->extent;
  if (*ld < least) *ld = least; /* of a single row, which has no stride */
  return row_major || rows->extent == 1 || rows->stride[tensor] == 1;
}

bool or_cpu_product_read_einsum(const or_node_view_t *view, const or_einsum_t *einsum, or_cpu_product_t *product) {
  reading_t reading = {.count = 0};
  group_t rows = {.extent = 1}, columns = {.extent = 1}, sums = {.extent = 1};
  read_labels(view, einsum, &reading);
  for (int32_t i = 0; i < or_view_input(view, 1)->shape.rank; ++i) {
    uint8_t label = einsum->labels[1][i];
    if (!reading.in[A][label] && !reading.in[Y][label] && reading.extent[label] != 1) return false;
  }
  product->batch = 1;
  if (!divide(&reading, &rows, &columns, &sums, product)) return false;
  product->strided = true;
  bool turned = columns.extent != 1 && columns.stride[Y] != 1; /* the transposed result: B and A change places */
  const group_t *m = turned ? &columns : &rows, *n = turned ? &rows : &columns;
  int a = turned ? B : A, b = turned ? A : B;
  bool transposed = false;
  product->a_input = turned ? 1 : 0;
  for (int i = 0; turned && i < product->batch_rank; ++i) {
    size_t stride = product->a_stride[i];
    product->a_stride[i] = product->b_stride[i];
    product->b_stride[i] = stride;
  }
  product->m = m->extent;
  product->n = n->extent;
  product->k = sums.extent;
  product->a_items = product->b_items = 1; /* constants are packed where they are one matrix */
  return lies(m, &sums, a, &product->trans_a, &product->lda) && lies(&sums, n, b, &product->trans_b, &product->ldb) &&
         lies(m, n, Y, &transposed, &product->ldc) && !transposed;
}
