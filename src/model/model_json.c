#include "model/model_json.h"

#include "model/value_json.h"

void or_model_json_values(or_json_writer_t *json, const or_model_t *model, bool inputs) {
  if (model == NULL) {
    or_json_field_null(json, inputs ? "inputs" : "outputs");
    return;
  }
  size_t count = inputs ? or_model_input_count(model) : or_model_output_count(model);
  or_json_key(json, inputs ? "inputs" : "outputs");
  or_json_array_begin(json);
  for (size_t i = 0; i < count; ++i) {
    const or_model_value_t *value = inputs ? or_model_input(model, i) : or_model_output(model, i);
    or_json_object_begin(json);
    or_json_field_string(json, "name", value->name);
    or_json_field_string(json, "type", or_value_form_name(value->form));
    or_json_field_string(json, "dtype", or_dtype_name(value->dtype));
    or_json_key(json, "shape");
    if (value->shape.rank == OR_RANK_UNKNOWN) {
      or_json_null(json);
    } else {
      or_json_array_begin(json);
      for (int32_t d = 0; d < value->shape.rank; ++d) {
        int64_t dim = value->shape.dims[d];
        if (dim >= 0) {
          or_json_int(json, dim);
        } else {
          or_json_string(json, dim < OR_DIM_UNKNOWN ? or_model_symbol(model, OR_DIM_SYMBOL_INDEX(dim)) : NULL);
        }
      }
      or_json_array_end(json);
    }
    or_json_field_bool(json, "optional", value->optional);
    or_json_object_end(json);
  }
  or_json_array_end(json);
}
