/* MobileNetV2 of width 1 (M. Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018), as
 * torchvision's mobilenet_v2 has it; its parameters' names too. */
#include "base/string.h"
#include "model/builtin/builtin.h"

typedef struct mobilenet_t {
  or_network_t *network;
  or_value_id_t zero, six;
} mobilenet_t;

/* A convolution and its normalisation, and ReLU6 unless it is linear. */
typedef struct unit_t {
  int convolution, norm; /* their numbers; the first has a ".0" behind it, and its norm ".1", unless it is linear */
  int64_t in, out, kernel, stride, groups;
  bool linear;
} unit_t;

static or_value_id_t add_unit(mobilenet_t *self, or_value_id_t x, const char *block, const unit_t *unit) {
  char convolution[OR_NETWORK_NAME_BYTES], norm[OR_NETWORK_NAME_BYTES];
  or_format(convolution, sizeof convolution, unit->linear ? "%s%d" : "%s%d.0", block, unit->convolution);
  or_format(norm, sizeof norm, unit->linear ? "%s%d" : "%s%d.1", block, unit->norm);
  or_network_scope(self->network, "%s", convolution);
  const or_convolution_t conv = {
      convolution, unit->in, unit->out, unit->kernel, unit->stride, unit->groups, unit->linear ? 1.0F : 2.0F};
  x = or_network_convolution(self->network, x, &conv);
  x = or_network_batch_norm(self->network, x, norm, unit->out, 1.0F);
  return unit->linear ? x : or_network_node(self->network, "Clip", OR_IDS(x, self->zero, self->six), OR_NO_ATTRIBUTES);
}

/* Expansion (unless by 1), depthwise 3x3, projection, around a shortcut where the extents allow one. */
static or_value_id_t add_inverted_residual(mobilenet_t *self, or_value_id_t x, int index, const int64_t extents[4]) {
  const int64_t in = extents[0], out = extents[1], stride = extents[2], wide = in * extents[3];
  const int first = extents[3] != 1;
  const unit_t units[] = {{0, 0, in, wide, 1, 1, 1, false},
                          {first, first, wide, wide, 3, stride, wide, false},
                          {first + 1, first + 2, wide, out, 1, 1, 1, true}};
  char block[OR_NETWORK_NAME_BYTES];
  or_format(block, sizeof block, "features.%d.conv.", index);
  or_value_id_t y = x;
  for (int i = first ? 0 : 1; i < 3; ++i) y = add_unit(self, y, block, &units[i]);
  or_network_scope(self->network, "features.%d", index);
  return stride == 1 && in == out ? or_network_node(self->network, "Add", OR_IDS(x, y), OR_NO_ATTRIBUTES) : y;
}

/* `first` and `last` convolutions have their names without a number of their own. */
static or_value_id_t add_plain(mobilenet_t *self, or_value_id_t x, int index, int64_t in, int64_t out) {
  const unit_t unit = {index, index, in, out, index == 0 ? 3 : 1, index == 0 ? 2 : 1, 1, false};
  return add_unit(self, x, "features.", &unit);
}

void or_builtin_mobilenet_v2(or_network_t *network) {
  static const struct {
    int64_t expansion, out;
    int repeats;
    int64_t stride;
  } stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  int64_t batch = or_network_symbol(network, "batch"), in = 32;
  or_value_id_t x =
      or_network_input(network, "input", OR_FLOAT32, or_shape_make(4, (const int64_t[]){batch, 3, 224, 224}));
  mobilenet_t self = {network, or_network_scalar(network, 0.0F), or_network_scalar(network, 6.0F)};
  int index = 0;
  x = add_plain(&self, x, index++, 3, in);
  for (size_t stage = 0; stage < sizeof stages / sizeof *stages; ++stage) {
    for (int i = 0; i < stages[stage].repeats; ++i) {
      const int64_t extents[4] = {in, stages[stage].out, i == 0 ? stages[stage].stride : 1, stages[stage].expansion};
      x = add_inverted_residual(&self, x, index++, extents);
      in = stages[stage].out;
    }
  }
  x = add_plain(&self, x, index, in, 1280);
  or_network_scope(network, "classifier");
  or_network_output(network, or_network_classifier(network, x, "classifier.1", 1280, 1000), "logits", NULL);
}
