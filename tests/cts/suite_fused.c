/* Fused nodes: a product or convolution with bias, residual and activation in one, against the parts. */
#include <stdio.h>
#include <string.h>

#include "base/string.h"
#include "cts/graph_case.h"

typedef struct fused_row_t {
  const char *root;
  bool bias, residual;
  const char *activation; /* NULL: none */
  or_dtype_t dtype;
  int size; /* index into sizes */
} fused_row_t;

static const char *const activations[] = {NULL,          "Relu",      "Clip", "Sigmoid", "Tanh", "HardSwish",
                                          "HardSigmoid", "LeakyRelu", "Elu",  "Gelu",    "Swish"};

/* Rows, columns and inner extent of products; batch, filters, channels and place of convolutions. */
static const int64_t sizes[][4] = {{3, 5, 7, 6}, {33, 16, 16, 9}, {64, 80, 64, 14}, {1, 100, 50, 1}};

static void set_int(or_attribute_t *attribute, const char *name, int64_t value) {
  *attribute = (or_attribute_t){.name = name, .kind = OR_ATTRIBUTE_INT, .integer = value};
}

static or_value_id_t add_root(cts_graph_t *graph, const fused_row_t *row, or_attribute_t *attributes,
                              or_value_id_t *bias) {
  static const int64_t pads[] = {1, 1, 1, 1};
  const int64_t *size = sizes[row->size];
  bool conv = strcmp(row->root, "Conv") == 0, gemm = strcmp(row->root, "Gemm") == 0;
  *bias = OR_NO_VALUE;
  or_shape_t x_shape = conv ? SHAPE(2, size[2], size[3], size[3] + 1) : SHAPE(size[0], size[2]);
  or_shape_t w_shape = conv ? SHAPE(size[1], size[2], 3, 3) : gemm ? SHAPE(size[1], size[2]) : SHAPE(size[2], size[1]);
  or_value_id_t x = cts_graph_input(graph, row->dtype, x_shape), w = cts_graph_constant(graph, row->dtype, w_shape);
  if (conv) {
    attributes[0] = (or_attribute_t){.name = "pads", .kind = OR_ATTRIBUTE_INTS, .integers = pads, .count = 4};
    cts_graph_attributes(graph, attributes, 1);
  } else if (gemm) {
    set_int(&attributes[0], "transB", 1);
    cts_graph_attributes(graph, attributes, 1);
  }
  if (row->bias && !(conv || gemm)) {
    or_value_id_t product = cts_graph_node(graph, row->root, (or_value_id_t[]){x, w}, 2);
    *bias = cts_graph_constant(graph, row->dtype, SHAPE(size[1]));
    return cts_graph_node(graph, "Add", (or_value_id_t[]){product, *bias}, 2);
  }
  if (row->bias) *bias = cts_graph_constant(graph, row->dtype, SHAPE(size[1]));
  return cts_graph_node(graph, row->root, (or_value_id_t[]){x, w, *bias}, row->bias ? 3 : 2);
}

static or_value_id_t add_activation(cts_graph_t *graph, const fused_row_t *row, or_value_id_t value) {
  if (row->activation == NULL) return value;
  if (strcmp(row->activation, "Clip") != 0) return cts_graph_node(graph, row->activation, &value, 1);
  or_value_id_t low = cts_graph_constant(graph, row->dtype, SCALAR),
                high = cts_graph_constant(graph, row->dtype, SCALAR);
  if (or_ok(graph->status)) { /* in order, whatever was drawn */
    or_element_set(row->dtype, graph->tensors[low].data, 0, -0.25);
    or_element_set(row->dtype, graph->tensors[high].data, 0, 0.5);
    graph->constants[low].hash = 1001;
    graph->constants[high].hash = 1002;
  }
  return cts_graph_node(graph, "Clip", (or_value_id_t[]){value, low, high}, 3);
}

static or_status_t runs_as_its_parts_do(cts_t *cts, const void *data) {
  const fused_row_t *row = data;
  cts_graph_t *graph = NULL;
  or_attribute_t attributes[2];
  or_value_id_t bias = OR_NO_VALUE, residual = OR_NO_VALUE;
  CTS_TRY(cts_graph_new(cts, (uint64_t)row->size + 70, &graph));
  or_value_id_t value = add_root(graph, row, attributes, &bias);
  if (row->residual) {
    residual = cts_graph_input(graph, row->dtype, graph->tensors[value].shape);
    value = cts_graph_node(graph, "Add", (or_value_id_t[]){value, residual}, 2);
  }
  value = add_activation(graph, row, value);
  cts_graph_output(graph, value);
  cts_graph_fuse(graph, bias, residual);
  if (row->dtype == OR_FLOAT16 || row->dtype == OR_BFLOAT16)
    graph->tolerance.rel = 0.02; /* the parts round in between */
  CTS_TRY(cts_graph_finish(graph));

  or_support_t refused;
  or_executable_t executable;
  cts_graph_run_t *run = NULL;
  cts_graph_supported(graph, &refused);
  if (!refused.supported) return cts_skip(cts, "fused nodes that the backend leaves to their parts");
  CTS_TRY(cts_compile(cts, cts->queue, &graph->subgraph, &executable));
  or_executable_node_t report = {0};
  executable.node(executable.self, 0, &report);
  (void)or_format(cts->note, sizeof cts->note, "%s", report.kernel != NULL ? report.kernel : "?");
  or_status_t status = cts_graph_bind(graph, &executable, &run);
  if (or_ok(status)) status = or_queue_run(cts->queue, cts_work, &run->call);
  if (or_ok(status)) status = cts_graph_compare(run);
  executable.release(executable.self);
  return status;
}

static void one(cts_t *cts, const fused_row_t *row) {
  char name[160];
  (void)or_format(name, sizeof name, "fused/%s%s%s%s%s/%s size %d", row->root, row->bias ? "+bias" : "",
                  row->residual ? "+residual" : "", row->activation != NULL ? "+" : "",
                  row->activation != NULL ? row->activation : "", or_dtype_name(row->dtype), row->size);
  cts_case(cts, name, runs_as_its_parts_do, row);
}

void cts_suite_fused(cts_t *cts) {
  static const char *const roots[] = {"Conv", "Gemm", "MatMul"};
  static const or_dtype_t dtypes[] = {OR_FLOAT32, OR_FLOAT64, OR_BFLOAT16, OR_FLOAT16};
  for (size_t r = 0; r < 3; ++r) {
    for (size_t a = 0; a < sizeof activations / sizeof *activations; ++a) {
      for (int form = 0; form < 4; ++form) {
        for (int size = 0; size < 4; ++size) {
          fused_row_t row = {roots[r], form & 1, (form & 2) != 0, activations[a], OR_FLOAT32, size};
          if (row.activation == NULL && form == 0) continue; /* nothing is fused */
          one(cts, &row);
        }
        for (size_t d = 1; d < 4; ++d) {
          fused_row_t row = {roots[r], form & 1, (form & 2) != 0, activations[a], dtypes[d], 1};
          if (a < 2 && (a > 0 || form > 0)) one(cts, &row);
        }
      }
    }
  }
}
