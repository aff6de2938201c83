/* Reads a picture of a handwritten digit. Usage: digits [MODEL [PICTURE.png]] */
#include <openruntime/openruntime.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(or_status_t status) {
  (void)fprintf(stderr, "digits: %s\n", or_status_message(status));
  or_status_ignore(status); /* printed */
  return 1;
}

/* The whole file, in memory that the caller frees; NULL if it can't be read. */
static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  char *bytes = malloc(1 << 20);
  *length = bytes != NULL ? fread(bytes, 1, 1 << 20, file) : 0;
  (void)fclose(file);
  return bytes;
}

static or_status_t recognise(or_runtime_t *runtime, const char *model_path, const char *picture, size_t length) {
  or_model_t *model = NULL;
  or_session_t *session = NULL;
  or_binding_t input = {.name = "image"}, output = {.name = "probabilities"};
  or_status_t status = or_model_load(runtime, model_path, NULL, &model);
  if (or_ok(status)) status = or_session_create(model, NULL, &session);
  if (or_ok(status)) status = or_model_read_image(model, 0, picture, length, &input.tensor);
  if (or_ok(status)) status = or_session_run(session, &input, 1, &output, 1);
  if (or_ok(status)) {
    float probabilities[10];
    status = or_tensor_read(output.tensor, probabilities, sizeof probabilities);
    int best = 0;
    for (int i = 1; i < 10; ++i) best = probabilities[i] > probabilities[best] ? i : best;
    if (or_ok(status))
      (void)printf("%s (%.1f %%)\n", or_model_label(model, (size_t)best), 100.0 * (double)probabilities[best]);
  }
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
  or_model_release(model);
  return status;
}

int main(int count, char **arguments) {
  const char *model = count > 1 ? arguments[1] : "data/digits";
  const char *path = count > 2 ? arguments[2] : "data/digits/samples/7-1.png";
  or_runtime_t *runtime = NULL;
  size_t length = 0;
  char *picture = read_file(path, &length);
  if (picture == NULL) {
    (void)fprintf(stderr, "digits: %s can't be read\n", path);
    return 1;
  }
  or_status_t status = or_runtime_create(NULL, &runtime);
  if (or_ok(status)) status = recognise(runtime, model, picture, length);
  or_runtime_release(runtime);
  free(picture);
  return or_ok(status) ? 0 : fail(status);
}
