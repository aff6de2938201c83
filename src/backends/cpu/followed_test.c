/* What may follow a convolution or a product in one step: every activation against the C references; and the chains
   that are refused, so that their parts run one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "backends/registry.h"
#include "fake/rig.h"

#include "backends/cpu/network_fixture_template.h"

static or_rig_t rig;

static int open_rig(bool vendor) {
  or_backend_settings_t settings = {
      .cpu_isa = "", .system_root = "", .cache_directory = "", .threads = 1, .vendor_libraries = vendor};
  net_ok(or_rig_open(&rig, or_allocator_system(), or_backend_cpu_entry, &settings));
  return 0;
}

/* x [2,3,4,4] through a convolution with bias, or x [4,6] through a product. */
static or_value_id_t begin(net_t *net, bool conv) {
  net_init(net);
  if (!conv) {
    or_value_id_t x = net_input(net, OR_FLOAT32, NET_SHAPE(4, 6)), w = net_constant(net, OR_FLOAT32, NET_SHAPE(6, 5));
    return net_simple(net, "MatMul", 13, NET_IDS(x, w));
  }
  or_value_id_t x = net_input(net, OR_FLOAT32, NET_SHAPE(2, 3, 4, 4));
  or_value_id_t w = net_constant(net, OR_FLOAT32, NET_SHAPE(5, 3, 1, 1)),
                b = net_constant(net, OR_FLOAT32, NET_SHAPE(5));
  return net_simple(net, "Conv", 11, NET_IDS(x, w, b));
}

typedef struct question_t {
  const net_t *net;
  or_support_t *support;
} question_t;
static or_status_t ask(void *self, const or_queue_context_t *context) {
  question_t *question = self;
  return context->backend->supports(context->backend->self, &question->net->graph, &question->net->nodes[0],
                                    question->support);
}
static bool supported(const net_t *net, or_support_t *support) {
  or_queue_t *queue = NULL;
  question_t question = {net, support};
  net_ok(or_device_queue(rig.devices[0], &queue));
  net_ok(or_queue_run(queue, ask, &question));
  return support->supported;
}

typedef or_value_id_t (*follow_t)(net_t *net, or_value_id_t y);

static or_value_id_t scalar(net_t *net, or_dtype_t dtype, float value) {
  or_value_id_t id = net_constant(net, dtype, or_shape_make(0, NULL));
  if (dtype == OR_FLOAT32) ((float *)net->data[id])[0] = value;
  return id;
}

static or_value_id_t old_clip(net_t *net, or_value_id_t y) {
  or_node_t *node = net_node(net, "Clip", 6, &y, 1);
  net_float(node, "min", -0.25F);
  net_float(node, "max", 0.5F);
  return net_done(net, node);
}
static or_value_id_t low_clip(net_t *net, or_value_id_t y) {
  return net_simple(net, "Clip", 13, NET_IDS(y, scalar(net, OR_FLOAT32, -0.25F)));
}
static or_value_id_t high_clip(net_t *net, or_value_id_t y) {
  return net_simple(net, "Clip", 13, NET_IDS(y, OR_NO_VALUE, scalar(net, OR_FLOAT32, 0.25F)));
}
static or_value_id_t gelu(net_t *net, or_value_id_t y) { return net_simple(net, "Gelu", 20, NET_IDS(y)); }
static or_value_id_t tanh_gelu(net_t *net, or_value_id_t y) {
  or_node_t *node = net_node(net, "Gelu", 20, &y, 1);
  net_attribute(node, "approximate", OR_ATTRIBUTE_STRING)->string.data = "tanh";
  ((or_attribute_t *)(uintptr_t)node->attributes)[0].string.length = 4;
  return net_done(net, node);
}
static or_value_id_t sigmoid(net_t *net, or_value_id_t y) { return net_simple(net, "Sigmoid", 13, NET_IDS(y)); }
static or_value_id_t hyperbolic(net_t *net, or_value_id_t y) { return net_simple(net, "Tanh", 13, NET_IDS(y)); }
static or_value_id_t silu(net_t *net, or_value_id_t y) {
  return net_simple(net, "Mul", 14, NET_IDS(y, sigmoid(net, y)));
}
static or_value_id_t silu_turned(net_t *net, or_value_id_t y) {
  return net_simple(net, "Mul", 14, NET_IDS(sigmoid(net, y), y));
}
static or_value_id_t residual_first(net_t *net, or_value_id_t y) {
  or_value_id_t r = net_input(net, OR_FLOAT32, net->values[y].shape);
  return net_simple(net, "Relu", 14, NET_IDS(net_simple(net, "Add", 14, NET_IDS(r, y))));
}
static or_value_id_t bias_and_residual(net_t *net, or_value_id_t y) {
  const or_shape_t *shape = &net->values[y].shape;
  or_shape_t channels = shape->rank == 4 ? NET_SHAPE(5, 1, 1) : NET_SHAPE(5);
  y = net_simple(net, "Add", 14, NET_IDS(y, net_constant(net, OR_FLOAT32, channels)));
  or_value_id_t r = net_input(net, OR_FLOAT32, net->values[y].shape);
  return net_simple(net, "Add", 14, NET_IDS(y, r));
}

static void every_chain_that_is_taken_equals_the_references(void **state) {
  (void)state;
  static const follow_t chains[] = {old_clip,   low_clip, high_clip,   gelu,           tanh_gelu,        sigmoid,
                                    hyperbolic, silu,     silu_turned, residual_first, bias_and_residual};
  for (int vendor = 0; vendor < 2; ++vendor) {
    (void)open_rig(vendor == 1);
    for (size_t i = 0; i < 2 * sizeof chains / sizeof *chains; ++i) {
      net_t net;
      or_support_t support;
      or_value_id_t y = chains[i / 2](&net, begin(&net, i % 2 == 0));
      net_fuse(&net, net.graph.node_count);
      net_output(&net, y);
      if (!supported(&net, &support)) fail_msg("chain %zu: %s", i, support.reason);
      net_expect_reference(&net, rig.devices[0], 1e-4);
      net_deinit(&net);
    }
    or_rig_close(&rig);
  }
}

static or_value_id_t two_activations(net_t *net, or_value_id_t y) {
  return net_simple(net, "Relu", 14, NET_IDS(sigmoid(net, y)));
}
static or_value_id_t two_residuals(net_t *net, or_value_id_t y) {
  y = bias_and_residual(net, y);
  return net_simple(net, "Add", 14, NET_IDS(y, net_input(net, OR_FLOAT32, net->values[y].shape)));
}
static or_value_id_t added_to_itself(net_t *net, or_value_id_t y) { return net_simple(net, "Add", 14, NET_IDS(y, y)); }
static or_value_id_t added_along_rows(net_t *net, or_value_id_t y) {
  or_shape_t shape = net->values[y].shape;
  shape.dims[shape.rank - 1] = 1;
  return net_simple(net, "Add", 14, NET_IDS(y, net_input(net, OR_FLOAT32, shape)));
}
static or_value_id_t unknown_bound(net_t *net, or_value_id_t y) {
  return net_simple(net, "Clip", 13, NET_IDS(y, net_input(net, OR_FLOAT32, or_shape_make(0, NULL))));
}
static or_value_id_t not_a_bound(net_t *net, or_value_id_t y) {
  return net_simple(net, "Clip", 13, NET_IDS(y, scalar(net, OR_FLOAT32, NAN)));
}
static or_value_id_t an_operator_of_no_step(net_t *net, or_value_id_t y) {
  return net_simple(net, "Softplus", 1, NET_IDS(y));
}
static or_value_id_t a_product_with_another(net_t *net, or_value_id_t y) {
  or_value_id_t gate = sigmoid(net, net_input(net, OR_FLOAT32, net->values[y].shape));
  return net_simple(net, "Mul", 14, NET_IDS(y, gate));
}

static void chains_that_are_no_step_are_refused_by_name(void **state) {
  (void)state;
  static const struct {
    follow_t follow;
    const char *part;
  } chains[] = {{two_activations, "Relu"},
                {two_residuals, "Add"},
                {added_to_itself, "Add"},
                {added_along_rows, "Add"},
                {unknown_bound, "Clip"},
                {not_a_bound, "Clip"},
                {an_operator_of_no_step, "Softplus"},
                {a_product_with_another, "Sigmoid"}};
  (void)open_rig(false);
  for (size_t i = 0; i < 2 * sizeof chains / sizeof *chains; ++i) {
    net_t net;
    or_support_t support;
    bool conv = i % 2 == 0;
    or_value_id_t y = chains[i / 2].follow(&net, begin(&net, conv));
    net_fuse(&net, net.graph.node_count);
    net_output(&net, y);
    if (supported(&net, &support)) fail_msg("chain %zu was taken", i);
    if (strstr(support.reason, chains[i / 2].part) == NULL || strstr(support.reason, conv ? "Conv" : "MatMul") == NULL)
      fail_msg("chain %zu: \"%s\" does not name %s", i, support.reason, chains[i / 2].part);
    net_deinit(&net);
  }
  or_rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_chain_that_is_taken_equals_the_references),
      cmocka_unit_test(chains_that_are_no_step_are_refused_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
