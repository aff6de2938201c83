#include "model/inputs.h"

#include <string.h>

#include "model/model_internal.h"

void or_model_door(const or_model_t *model, or_door_t *out) { or_door_open(out, model->graph); }

or_status_t or_model_find_input(const or_model_t *model, const char *name, size_t *index) {
  for (size_t i = 0; i < or_model_input_count(model); ++i) {
    if (strcmp(model->inputs[i].name, name) != 0) continue;
    *index = i;
    return or_status_success();
  }
  return or_door_unknown(model->graph, name, true);
}

or_status_t or_model_can_generate(const or_model_t *model, size_t index) {
  const or_model_value_t *input = &model->inputs[index];
  if (input->form != OR_FORM_TENSOR || input->dtype == OR_STRING)
    return or_error(OR_INVALID_ARGUMENT, "input \"%s\" is %s, which can't be generated: give it", input->name,
                    input->form == OR_FORM_TENSOR     ? "of strings"
                    : input->form == OR_FORM_SEQUENCE ? "a sequence"
                                                      : "an optional");
  if (input->shape.rank != OR_RANK_UNKNOWN) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input \"%s\" has no shape in the model, so none can be generated: give it",
                  input->name);
}
