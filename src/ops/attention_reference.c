/* Attention in double, one query row after another against one head's keys and values. */
#include <math.h>
#include <string.h>

#include "ops/attention_internal.h"
#include "ops/elements.h"

typedef struct reference_t {
  const or_op_call_t *call;
  or_attention_t a;
  int64_t past, total;       /* rows before the new ones; with them */
  double *keys, *values;     /* of one head, [total, head] and [total, value_head] */
  double *query, *row, *sum; /* [head], [total], [value_head] */
  double *bias;              /* [total]: what the mask adds; -inf: not attended */
} reference_t;

static or_status_t begin(reference_t *r);
static or_status_t take_memory(reference_t *r, void **memory);
static void append(const reference_t *r);
static void write_present(const reference_t *r);
static void load_head(const reference_t *r, int64_t batch, int64_t head);
static void one_query(const reference_t *r, int64_t batch, int64_t head, int64_t query);

/* Multiplications. */
static uint64_t query_work(const reference_t *r) {
  return (uint64_t)r->total * (uint64_t)(r->a.head + r->a.value_head + 16);
}

or_status_t or_attention_reference(or_op_call_t *call) {
  reference_t r = {.call = call};
  void *memory = NULL;
  or_attention_read(call, &r.a);
  or_status_t status = begin(&r);
  if (or_ok(status)) status = take_memory(&r, &memory);
  if (!or_ok(status)) return status;
  if (r.a.cached) append(&r);
  write_present(&r);
  int64_t group = r.a.kv_heads > 0 ? r.a.q_heads / r.a.kv_heads : 0;
  for (int64_t b = 0; b < r.a.batch; ++b) {
    for (int64_t h = 0; h < r.a.kv_heads && !or_stops(call->stop, query_work(&r)); ++h) {
      load_head(&r, b, h);
      for (int64_t g = 0; g < group; ++g) {
        for (int64_t i = 0; i < r.a.q_length && !or_stops(call->stop, query_work(&r)); ++i)
          one_query(&r, b, h * group + g, i);
      }
    }
  }
  or_free(call->allocator, memory);
  return status;
}

static or_status_t begin(reference_t *r) {
  const or_attention_t *a = &r->a;
  r->past = a->past_length;
  r->total = a->past_length + a->new_length;
  if (!a->cached) return or_status_success();
  memcpy(&r->past, r->call->inputs[OR_ATTENTION_LENGTH].data, sizeof r->past);
  if (r->past < 0 || r->past > a->past_length - a->new_length) {
    return or_error(OR_OUT_OF_RANGE, "a past of %lld rows and %lld new ones exceed the cache of %lld",
                    (long long)r->past, (long long)a->new_length, (long long)a->past_length);
  }
  r->total = r->past + a->new_length;
  return or_status_success();
}

static or_status_t take_memory(reference_t *r, void **memory) {
  const or_attention_t *a = &r->a;
  size_t row = 0, count = 0;
  bool fits = or_add_size((size_t)a->head, (size_t)a->value_head + 2, &row) &&
              or_mul_size(row, (size_t)r->total + 1, &count) && or_add_size(count, row, &count);
  if (!fits) return or_error(OR_RESOURCE_EXHAUSTED, "the rows of one head overflow size_t");
  or_status_t status = or_alloc_array(r->call->allocator, count, sizeof(double), memory);
  if (!or_ok(status)) return status;
  r->keys = *memory;
  r->values = r->keys + r->total * a->head;
  r->row = r->values + r->total * a->value_head;
  r->bias = r->row + r->total;
  r->query = r->bias + r->total;
  r->sum = r->query + a->head;
  return status;
}

static int64_t at(const or_attention_rows_t *rows, int64_t batch, int64_t head, int64_t row) {
  return batch * rows->batch + head * rows->head + row * rows->row;
}

typedef struct copy_t {
  const or_op_tensor_t *from, *to;
  const or_attention_rows_t *from_rows, *to_rows;
  or_stop_t *stop;
} copy_t;

/* Rows [0, count) of every head from one tensor to another, `first` rows on; the bytes of them. */
static size_t copy_rows(const copy_t *copy, const int64_t extents[4], int64_t first) {
  const or_op_tensor_t *from = copy->from, *to = copy->to;
  size_t element = or_dtype_bytes(from->dtype, 1), copied = 0;
  for (int64_t b = 0; b < extents[0]; ++b) {
    for (int64_t h = 0; h < extents[1]; ++h) {
      for (int64_t i = 0; i < extents[2]; ++i) {
        const char *source = (const char *)from->data + (size_t)at(copy->from_rows, b, h, i) * element;
        char *target = (char *)to->data + (size_t)at(copy->to_rows, b, h, first + i) * element;
        memcpy(target, source, (size_t)extents[3] * element);
        copied += (size_t)extents[3] * element;
        if (or_stops(copy->stop, 1 + OR_STOP_COPIED((size_t)extents[3] * element))) return copied;
      }
    }
  }
  return copied;
}

static void count_copied(const reference_t *r, size_t bytes) {
  if (r->call->appended_bytes != NULL) *r->call->appended_bytes += bytes;
}

static void append(const reference_t *r) {
  const or_attention_t *a = &r->a;
  const or_op_tensor_t *in = r->call->inputs;
  const int64_t keys[] = {a->batch, a->kv_heads, a->new_length, a->head};
  const int64_t values[] = {a->batch, a->kv_heads, a->new_length, a->value_head};
  const copy_t key = {&in[OR_ATTENTION_K], &in[OR_ATTENTION_PAST_KEY], &a->k, &a->past_key, r->call->stop};
  const copy_t value = {&in[OR_ATTENTION_V], &in[OR_ATTENTION_PAST_VALUE], &a->v, &a->past_value, r->call->stop};
  count_copied(r, copy_rows(&key, keys, r->past));
  count_copied(r, copy_rows(&value, values, r->past));
}

static void write_present(const reference_t *r) {
  const or_attention_t *a = &r->a;
  for (uint32_t output = 1; output < 3; ++output) {
    if (!or_op_has_output(r->call, output) || r->call->outputs[output].dtype == OR_DTYPE_NONE) continue;
    const or_op_tensor_t *to = &r->call->outputs[output];
    if (to->data == NULL) continue;
    int64_t width = output == 1 ? a->head : a->value_head;
    or_attention_rows_t rows = {a->kv_heads * r->total * width, r->total * width, width};
    uint32_t past = output == 1 ? OR_ATTENTION_PAST_KEY : OR_ATTENTION_PAST_VALUE;
    const int64_t old_extents[] = {a->batch, a->kv_heads, a->past_length, width};
    const int64_t new_extents[] = {a->batch, a->kv_heads, a->new_length, width};
    if (or_op_has_input(r->call, past)) {
      const or_attention_rows_t *old = output == 1 ? &a->past_key : &a->past_value;
      const copy_t before = {&r->call->inputs[past], to, old, &rows, r->call->stop};
      count_copied(r, copy_rows(&before, old_extents, 0));
    }
    const or_attention_rows_t *fresh = output == 1 ? &a->k : &a->v;
    const copy_t behind = {&r->call->inputs[output], to, fresh, &rows, r->call->stop};
    count_copied(r, copy_rows(&behind, new_extents, r->past));
  }
}

static void load_head(const reference_t *r, int64_t batch, int64_t head) {
  const or_attention_t *a = &r->a;
  const or_op_tensor_t *in = r->call->inputs;
  for (int64_t j = 0; j < r->total; ++j) {
    bool old = j < r->past || a->cached; /* in the cache all are */
    const or_op_tensor_t *k = &in[old ? OR_ATTENTION_PAST_KEY : OR_ATTENTION_K];
    const or_op_tensor_t *v = &in[old ? OR_ATTENTION_PAST_VALUE : OR_ATTENTION_V];
    int64_t row = old ? j : j - r->past;
    or_elements_load(k->dtype, k->data, (uint64_t)at(old ? &a->past_key : &a->k, batch, head, row), (size_t)a->head,
                     r->keys + j * a->head);
    or_elements_load(v->dtype, v->data, (uint64_t)at(old ? &a->past_value : &a->v, batch, head, row),
                     (size_t)a->value_head, r->values + j * a->value_head);
  }
}

/* Whatever the score is. */
static void hide(const reference_t *r, int64_t key) {
  r->row[key] = 0;
  r->bias[key] = -INFINITY;
}

/* r->bias: 0, what the mask adds, or -inf. */
static void load_bias(const reference_t *r, int64_t batch, int64_t head, int64_t query) {
  const or_attention_t *a = &r->a;
  int64_t total = r->total, offset = r->past, first = 0, end = 0;
  if (!a->cached && or_op_has_input(r->call, OR_ATTENTION_LENGTH)) {
    memcpy(&total, (const int64_t *)r->call->inputs[OR_ATTENTION_LENGTH].data + batch, sizeof total);
    offset = total - a->q_length;
    if (total > r->total) total = r->total;
  }
  or_attention_range(a, query, offset, total, &first, &end);
  for (int64_t j = 0; j < r->total; ++j) {
    r->bias[j] = 0;
    if (j < first || j >= end) hide(r, j);
  }
  if (!or_op_has_input(r->call, OR_ATTENTION_MASK)) return;
  const or_op_tensor_t *mask = &r->call->inputs[OR_ATTENTION_MASK];
  uint64_t start = (uint64_t)(batch * a->mask_batch + head * a->mask_head + query * a->mask_row);
  for (int64_t j = first; j < end; ++j) {
    double value = 0;
    if (j < a->mask_length)
      or_elements_load(mask->dtype, mask->data, start + (uint64_t)(j * a->mask_column), 1, &value);
    if (j >= a->mask_length || (mask->dtype == OR_BOOL && value == 0)) {
      hide(r, j);
    } else if (mask->dtype != OR_BOOL) {
      r->bias[j] = value;
    }
  }
}

/* As the type that the softmax computes in holds it. */
static double rounded(const reference_t *r, double value) {
  return r->call->inputs[0].dtype == OR_FLOAT64 ? value : (double)(float)value;
}

static void keep_scores(const reference_t *r, int64_t batch, int64_t head, int64_t query, int64_t mode) {
  if (!or_op_has_output(r->call, 3) || r->a.output_mode != mode) return;
  const or_op_tensor_t *out = &r->call->outputs[3];
  if (out->data == NULL) return;
  uint64_t row = (uint64_t)((batch * r->a.q_heads + head) * r->a.q_length + query);
  or_elements_store(out->dtype, out->data, row * (uint64_t)r->total, (size_t)r->total, r->row);
}

static void score(const reference_t *r, int64_t batch, int64_t head, int64_t query) {
  const or_attention_t *a = &r->a;
  const or_op_tensor_t *q = &r->call->inputs[OR_ATTENTION_Q];
  or_elements_load(q->dtype, q->data, (uint64_t)at(&a->q, batch, head, query), (size_t)a->head, r->query);
  for (int64_t j = 0; j < r->total; ++j) {
    double dot = 0;
    for (int64_t d = 0; d < a->head; ++d) dot += r->query[d] * r->keys[j * a->head + d];
    r->row[j] = dot * a->scale;
  }
  keep_scores(r, batch, head, query, 0);
  for (int64_t j = 0; a->softcap > 0 && j < r->total; ++j) r->row[j] = a->softcap * tanh(r->row[j] / a->softcap);
  keep_scores(r, batch, head, query, 1);
  load_bias(r, batch, head, query);
  for (int64_t j = 0; j < r->total; ++j) r->row[j] = rounded(r, r->row[j] + r->bias[j]);
  keep_scores(r, batch, head, query, 2);
}

static void one_query(const reference_t *r, int64_t batch, int64_t head, int64_t query) {
  const or_attention_t *a = &r->a;
  const or_op_tensor_t *y = &r->call->outputs[0];
  double max = -INFINITY, sum = 0;
  score(r, batch, head, query);
  for (int64_t j = 0; j < r->total; ++j) max = r->row[j] > max ? r->row[j] : max;
  for (int64_t j = 0; j < r->total; ++j) {
    r->row[j] = r->row[j] == -INFINITY ? 0 : exp(r->row[j] - max); /* NaN makes the sum NaN */
    sum += r->row[j];
  }
  for (int64_t j = 0; j < r->total && sum != 0; ++j) r->row[j] /= sum;
  keep_scores(r, batch, head, query, 3);
  for (int64_t d = 0; d < a->value_head; ++d) r->sum[d] = 0;
  for (int64_t j = 0; j < r->total; ++j) {
    if (r->row[j] == 0) continue;
    for (int64_t d = 0; d < a->value_head; ++d) r->sum[d] += r->row[j] * r->values[j * a->value_head + d];
  }
  or_elements_store(y->dtype, y->data, (uint64_t)at(&a->y, batch, head, query), (size_t)a->value_head, r->sum);
}
