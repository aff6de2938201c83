#include "ops/non_max_suppression.h"

#include <math.h>

#include "ops/extents.h"
#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t non_max_suppression_infer(or_op_call_t *call);
static or_cost_t non_max_suppression_cost(const or_op_call_t *call);
static or_status_t non_max_suppression_reference(or_op_call_t *call);

const or_op_t or_op_non_max_suppression = {
    .domain = "",
    .name = "NonMaxSuppression",
    .summary = "of boxes that overlap, those with the best scores",
    .since = {10, 11},
    .input_min = 2,
    .input_max = 5,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_DTYPE_BIT(OR_FLOAT32),
    .value_inputs = 0x1fu,
    .attributes = {{"center_point_box", OR_ATTRIBUTE_INT, false}},
    .infer = non_max_suppression_infer,
    .cost = non_max_suppression_cost,
    .reference = non_max_suppression_reference,
};

typedef struct box_t {
  double left, top, right, bottom, area;
} box_t;

typedef struct candidate_t {
  float score;
  int64_t index;
} candidate_t;

typedef struct suppression_t {
  or_stop_t *stop;
  bool centred, bounded; /* bounded: a score must be above `least` */
  float overlap, least;
  int64_t limit; /* boxes of a class */
  uint64_t batches, classes, count;
  box_t *boxes;      /* of the batch at hand */
  box_t *taken;      /* of the class at hand */
  candidate_t *heap; /* the best first */
} suppression_t;

static or_status_t check_shapes(const or_op_call_t *call);
static or_status_t read_parameters(const or_op_call_t *call, suppression_t *out, bool *known);
static or_status_t suppress(const or_op_call_t *call, suppression_t *it, int64_t *rows, uint64_t capacity,
                            uint64_t *count);

static or_status_t non_max_suppression_infer(or_op_call_t *call) {
  or_shape_t *out = &call->outputs[0].shape;
  suppression_t it;
  bool known = false;
  uint64_t count = 0;
  call->outputs[0].dtype = OR_INT64;
  or_status_t status = check_shapes(call);
  if (or_ok(status)) status = read_parameters(call, &it, &known);
  if (or_ok(status)) status = or_shape_unknown(2, out);
  if (!or_ok(status)) return status;
  out->dims[1] = 3;
  if (known && it.limit == 0) {
    out->dims[0] = 0;
  } else if (known && call->inputs[0].data != NULL && call->inputs[1].data != NULL) {
    status = suppress(call, &it, NULL, 0, &count);
    out->dims[0] = (int64_t)count;
  }
  return status;
}

/* Each score is looked at once; how many boxes meet is in the values. */
static or_cost_t non_max_suppression_cost(const or_op_call_t *call) {
  or_cost_t cost = or_cost_per_output(call, 0);
  cost.flops = (double)or_shape_product(&call->inputs[1].shape, 0, 3);
  return cost;
}

static or_status_t non_max_suppression_reference(or_op_call_t *call) {
  const or_op_tensor_t *y = &call->outputs[0];
  suppression_t it;
  bool known = false;
  uint64_t count = 0;
  or_status_t status = read_parameters(call, &it, &known);
  if (or_ok(status) && it.limit > 0) status = suppress(call, &it, y->data, (uint64_t)y->shape.dims[0], &count);
  return status;
}

/* ---- inputs ---- */

static or_status_t check_shapes(const or_op_call_t *call) {
  const or_shape_t *boxes = &call->inputs[0].shape, *scores = &call->inputs[1].shape;
  int64_t same = 0;
  or_status_t status = or_infer_check_dtype(call, 1);
  for (uint32_t i = 0; or_ok(status) && i < 2; ++i) status = or_infer_check_rank(call, i, 3);
  if (!or_ok(status) || boxes->rank < 0 || scores->rank < 0) return status;
  status = or_infer_same_extent("batches of boxes and scores", boxes->dims[0], scores->dims[0], &same);
  if (or_ok(status)) status = or_infer_same_extent("boxes and scores", boxes->dims[1], scores->dims[2], &same);
  if (or_ok(status)) status = or_infer_same_extent("numbers of a box", 4, boxes->dims[2], &same);
  return status;
}

/* The one float32 of input `index`; `fallback` where it is left out. */
static or_status_t read_float(const or_op_call_t *call, uint32_t index, const char *name, float *out, bool *known) {
  if (!or_op_has_input(call, index)) return or_status_success();
  const or_op_tensor_t *input = &call->inputs[index];
  uint64_t count = 0;
  if (input->dtype != OR_FLOAT32)
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) is %s; it must be float32", index, name,
                    or_dtype_name(input->dtype));
  if (or_shape_count(&input->shape, &count) && count != 1)
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) has %llu elements; it must have one", index, name,
                    (unsigned long long)count);
  if (input->data == NULL) *known = false;
  if (input->data != NULL) *out = *(const float *)input->data;
  return or_status_success();
}

static or_status_t read_parameters(const or_op_call_t *call, suppression_t *out, bool *known) {
  const or_shape_t *scores = &call->inputs[1].shape;
  *out = (suppression_t){.stop = call->stop,
                         .centred = or_op_attribute_int(call, "center_point_box", 0) != 0,
                         .bounded = or_op_has_input(call, 4)};
  or_status_t status = or_scalar_input(call, 2, "max_output_boxes_per_class", 0, &out->limit, known);
  if (or_ok(status)) status = read_float(call, 3, "iou_threshold", &out->overlap, known);
  if (or_ok(status)) status = read_float(call, 4, "score_threshold", &out->least, known);
  if (!or_ok(status)) return status;
  if (*known && !(out->overlap >= 0 && out->overlap <= 1))
    return or_error(OR_INVALID_ARGUMENT, "input 3 (iou_threshold) is %g; it must be from 0 to 1", (double)out->overlap);
  if (out->limit < 0) out->limit = 0;
  if (scores->rank != 3 || !or_shape_is_static(scores)) return status;
  out->batches = (uint64_t)scores->dims[0];
  out->classes = (uint64_t)scores->dims[1];
  out->count = (uint64_t)scores->dims[2];
  return status;
}

/* ---- selection ---- */

static void read_boxes(const suppression_t *it, const float *from);
static uint64_t gather(const suppression_t *it, const float *scores);
static candidate_t pop(candidate_t *heap, uint64_t *count);
static bool overlaps(const suppression_t *it, const box_t *box, uint64_t taken);

/* The best box that is left is compared with those that were taken, which are few; only as much of the order is made as
 * is asked for. rows NULL: counted only. */
static or_status_t suppress(const or_op_call_t *call, suppression_t *it, int64_t *rows, uint64_t capacity,
                            uint64_t *count) {
  const float *boxes = call->inputs[0].data, *scores = call->inputs[1].data;
  void *memory[3] = {NULL, NULL, NULL};
  static const size_t bytes[3] = {sizeof(box_t), sizeof(box_t), sizeof(candidate_t)};
  uint64_t limit = (uint64_t)it->limit < it->count ? (uint64_t)it->limit : it->count;
  or_status_t status = or_status_success();
  for (int i = 0; or_ok(status) && i < 3; ++i)
    status = or_alloc_array(call->allocator, (size_t)(i == 1 ? limit : it->count), bytes[i], &memory[i]);
  it->boxes = memory[0];
  it->taken = memory[1];
  it->heap = memory[2];
  for (uint64_t k = 0; or_ok(status) && k < it->batches * it->classes && !or_stops(it->stop, 1); ++k) {
    if (k % it->classes == 0) read_boxes(it, boxes + k / it->classes * it->count * 4);
    uint64_t left = gather(it, scores + k * it->count), taken = 0;
    while (left > 0 && taken < limit && !or_stops(it->stop, 16)) {
      candidate_t best = pop(it->heap, &left);
      if (overlaps(it, &it->boxes[best.index], taken)) continue;
      it->taken[taken++] = it->boxes[best.index];
      if (rows != NULL && *count < capacity) {
        rows[*count * 3] = (int64_t)(k / it->classes);
        rows[*count * 3 + 1] = (int64_t)(k % it->classes);
        rows[*count * 3 + 2] = best.index;
      }
      ++*count;
    }
  }
  for (int i = 0; i < 3; ++i) or_free(call->allocator, memory[i]);
  return status;
}

static void read_boxes(const suppression_t *it, const float *from) {
  for (uint64_t i = 0; i < it->count && !or_stops(it->stop, 8); ++i, from += 4) {
    double a = (double)from[0], b = (double)from[1], c = (double)from[2], d = (double)from[3];
    box_t box = {fmin(b, d), fmin(a, c), fmax(b, d), fmax(a, c), 0};
    if (it->centred) box = (box_t){a - c / 2, b - d / 2, a + c / 2, b + d / 2, 0};
    box.area = (box.right - box.left) * (box.bottom - box.top);
    it->boxes[i] = box;
  }
}

static bool precedes(const candidate_t *a, const candidate_t *b) {
  return a->score > b->score || (a->score >= b->score && a->index < b->index);
}

static void sink(candidate_t *heap, uint64_t root, uint64_t count) {
  candidate_t moving = heap[root];
  for (uint64_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && precedes(&heap[child + 1], &heap[child])) ++child;
    if (precedes(&moving, &heap[child])) break;
    heap[root] = heap[child];
  }
  heap[root] = moving;
}

/* The candidates of one class as a heap; how many they are. */
static uint64_t gather(const suppression_t *it, const float *scores) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < it->count && !or_stops(it->stop, 1); ++i) {
    if (it->bounded ? scores[i] > it->least : !isnan(scores[i]))
      it->heap[count++] = (candidate_t){.score = scores[i], .index = (int64_t)i};
  }
  for (uint64_t i = count / 2; i-- > 0 && !or_stops(it->stop, 4);) sink(it->heap, i, count);
  return count;
}

static candidate_t pop(candidate_t *heap, uint64_t *count) {
  candidate_t best = heap[0];
  heap[0] = heap[--*count];
  if (*count > 0) sink(heap, 0, *count);
  return best;
}

static double smaller(double a, double b) { return a < b ? a : b; }
static double larger(double a, double b) { return a > b ? a : b; }

static bool overlaps(const suppression_t *it, const box_t *box, uint64_t taken) {
  for (uint64_t i = 0; i < taken && !or_stops(it->stop, 1); ++i) {
    const box_t *other = &it->taken[i];
    double width = smaller(box->right, other->right) - larger(box->left, other->left);
    double height = smaller(box->bottom, other->bottom) - larger(box->top, other->top);
    if (!(width > 0 && height > 0)) continue;
    double shared = width * height, all = box->area + other->area - shared;
    if (box->area > 0 && other->area > 0 && all > 0 && (float)(shared / all) > it->overlap) return true;
  }
  return false;
}
