/* ResNet-50 (K. He et al., "Deep residual learning for image recognition", 2015), with the stride in the 3x3
 * convolution, as torchvision's resnet50 has it; its parameters' names too. */
#include "base/string.h"
#include "model/builtin/builtin.h"

/* A convolution, its normalisation, and a Relu unless it is the last of its block. */
typedef struct unit_t {
  const char *convolution, *norm;
  int64_t in, out, kernel, stride;
  bool relu;
  float scale; /* of the normalisation's generated weights */
} unit_t;

static or_value_id_t add_unit(or_network_t *network, or_value_id_t x, const char *block, const unit_t *unit) {
  char convolution[OR_NETWORK_NAME_BYTES], norm[OR_NETWORK_NAME_BYTES];
  or_network_scope(network, "%s%s", block, unit->convolution);
  const or_convolution_t conv = {.name = or_format(convolution, sizeof convolution, "%s%s", block, unit->convolution),
                                 .in = unit->in,
                                 .out = unit->out,
                                 .kernel = unit->kernel,
                                 .stride = unit->stride,
                                 .groups = 1,
                                 .gain = unit->relu ? 2.0F : 1.0F};
  x = or_network_convolution(network, x, &conv);
  x = or_network_batch_norm(network, x, or_format(norm, sizeof norm, "%s%s", block, unit->norm), unit->out,
                            unit->scale);
  return unit->relu ? or_network_activation(network, x, OR_RELU) : x;
}

/* 1x1, 3x3, 1x1 around a shortcut. */
static or_value_id_t add_bottleneck(or_network_t *network, or_value_id_t x, const char *block, int64_t in,
                                    int64_t width, int64_t stride) {
  const int64_t out = 4 * width;
  const unit_t units[] = {{"conv1", "bn1", in, width, 1, 1, true, 1.0F},
                          {"conv2", "bn2", width, width, 3, stride, true, 1.0F},
                          {"conv3", "bn3", width, out, 1, 1, false, 0.5F}};
  const unit_t shortcut = {"downsample.0", "downsample.1", in, out, 1, stride, false, 1.0F};
  or_value_id_t y = x;
  for (size_t i = 0; i < sizeof units / sizeof *units; ++i) y = add_unit(network, y, block, &units[i]);
  if (in != out) x = add_unit(network, x, block, &shortcut);
  or_network_scope(network, "%sadd", block);
  y = or_network_node(network, "Add", OR_IDS(y, x), OR_NO_ATTRIBUTES);
  return or_network_activation(network, y, OR_RELU);
}

void or_builtin_resnet50(or_network_t *network) {
  static const struct {
    int blocks;
    int64_t width;
  } stages[] = {{3, 64}, {4, 128}, {6, 256}, {3, 512}};
  int64_t batch = or_network_symbol(network, "batch"), in = 64;
  or_value_id_t x =
      or_network_input(network, "input", OR_FLOAT32, or_shape_make(4, (const int64_t[]){batch, 3, 224, 224}));
  const unit_t stem = {"conv1", "bn1", 3, 64, 7, 2, true, 1.0F};
  x = add_unit(network, x, "", &stem);
  x = or_network_node(network, "MaxPool", OR_IDS(x),
                      OR_ATTRIBUTES(OR_INT("ceil_mode", 0), OR_INTS("kernel_shape", 3, 3), OR_INTS("pads", 1, 1, 1, 1),
                                    OR_INTS("strides", 2, 2)));
  for (size_t stage = 0; stage < sizeof stages / sizeof *stages; ++stage) {
    for (int i = 0; i < stages[stage].blocks; ++i) {
      char block[OR_NETWORK_NAME_BYTES];
      or_format(block, sizeof block, "layer%zu.%d.", stage + 1, i);
      x = add_bottleneck(network, x, block, in, stages[stage].width, stage > 0 && i == 0 ? 2 : 1);
      in = 4 * stages[stage].width;
    }
  }
  or_network_scope(network, "fc");
  or_network_output(network, or_network_classifier(network, x, "fc", in, 1000), "logits", NULL);
}
