/* What describes a checkpoint, around parameters that are committed: config.json, and behind lines of "---"
 * model.safetensors.index.json, modules.json and 1_Pooling/config.json. Whose parameters they are is what it names.
 * What can be loaded is run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/registry.h"
#include "base/file.h"
#include "base/string.h"
#include "model/generate.h"
#include "runtime/runtime.h"

#define FAMILIES 5
#define PARTS 4
#define PATH_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The last one serves where none is named. BERT's parameters lie in two files. */
static const struct {
  const char *word, *checkpoint, *files[2];
} families[FAMILIES] = {
    {"distilbert", "distilbert", {"model.safetensors", NULL}},
    {"gpt2", "gpt2", {"model.safetensors", NULL}},
    {"roberta", "classifier", {"model.safetensors", NULL}},
    {"Token", "tagger", {"model.safetensors", NULL}},
    {"bert", "bert", {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}},
};
static const char *const parts[PARTS] = {"config.json", "model.safetensors.index.json", "modules.json",
                                         "1_Pooling/config.json"};
static char folder[] = "/tmp/or_huggingface_fuzz_XXXXXX";

static const char *path_in(size_t family, const char *name, char path[PATH_BYTES]) {
  return or_format(path, PATH_BYTES, "%s/%s/%s", folder, families[family].checkpoint, name);
}

static void remove_links(void) {
  char path[PATH_BYTES];
  for (size_t i = 0; i < FAMILIES; ++i) {
    for (size_t k = 0; k < 2 && families[i].files[k] != NULL; ++k) (void)unlink(path_in(i, families[i].files[k], path));
    (void)unlink(path_in(i, "model.safetensors", path));
    for (size_t k = 0; k < PARTS; ++k) (void)unlink(path_in(i, parts[k], path));
    (void)rmdir(path_in(i, "1_Pooling", path));
    (void)rmdir(path_in(i, "", path));
  }
  (void)rmdir(folder);
}

/* A folder for each family, with links to its parameters. */
static bool make_links(void) {
  char root[PATH_BYTES / 2], from[PATH_BYTES], to[PATH_BYTES];
  if (mkdtemp(folder) == NULL || getcwd(root, sizeof root) == NULL) return false;
  for (size_t i = 0; i < FAMILIES; ++i) {
    if (mkdir(path_in(i, "", to), 0700) != 0 || mkdir(path_in(i, "1_Pooling", to), 0700) != 0) return false;
    for (size_t k = 0; k < 2 && families[i].files[k] != NULL; ++k) {
      or_format(from, sizeof from, "%s/tests/data/checkpoints/%s/%s", root, families[i].checkpoint,
                families[i].files[k]);
      if (symlink(from, path_in(i, families[i].files[k], to)) != 0) return false;
      if (k == 0 && i == FAMILIES - 1 && symlink(from, path_in(i, "model.safetensors", to)) != 0) return false;
    }
  }
  return atexit(remove_links) == 0;
}

/* Those that the input has; the others are not there. */
static void write_parts(size_t family, const uint8_t *data, size_t size) {
  static const char line[] = "\n---\n";
  char path[PATH_BYTES];
  for (size_t i = 0; i < PARTS; ++i) {
    const uint8_t *end = data == NULL ? NULL : memmem(data, size, line, sizeof line - 1);
    const size_t length = end == NULL ? size : (size_t)(end - data);
    path_in(family, parts[i], path);
    (void)unlink(path);
    if (data == NULL) continue;
    or_status_t status = or_file_write(path, data, length);
    if (!or_ok(status)) abort();
    size -= end == NULL ? size : length + sizeof line - 1;
    data = end == NULL ? NULL : end + sizeof line - 1;
  }
}

static or_runtime_t *the_runtime(void) {
  static or_runtime_t *runtime;
  static bool linked;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  const or_runtime_options_t options = {.threads = 1};
  if (runtime == NULL) or_status_ignore(or_runtime_create_with(&options, backends, 1, &runtime));
  if (runtime == NULL || (!linked && !make_links())) abort();
  linked = true;
  return runtime;
}

/* With inputs as the command line generates them. */
static or_status_t run(or_runtime_t *runtime, or_model_t *model) {
  const or_model_generation_t generation = {.batch = 1, .dims = &(or_model_dim_t){"sequence", 3}, .dim_count = 1};
  or_model_inputs_t inputs;
  or_binding_t output = {.name = NULL};
  or_session_t *session = NULL;
  or_status_t status = or_model_generate(model, or_runtime_host_device(runtime), &generation, &inputs);
  if (or_ok(status)) status = or_session_create(model, NULL, &session);
  if (or_ok(status)) status = or_session_run(session, inputs.items, inputs.count, &output, 1);
  or_tensor_release(output.tensor);
  or_model_inputs_deinit(&inputs);
  or_session_release(session);
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_runtime_t *runtime = the_runtime();
  or_model_t *model = NULL;
  char path[PATH_BYTES];
  size_t family = 0;
  while (family + 1 < FAMILIES &&
         (size == 0 || memmem(data, size, families[family].word, strlen(families[family].word)) == NULL))
    ++family;
  write_parts(family, size > 0 ? data : (const uint8_t *)"", size);
  or_format(path, sizeof path, "%s/%s", folder, families[family].checkpoint);
  or_status_t status = or_model_load(runtime, path, NULL, &model);
  if (or_ok(status)) status = run(runtime, model);
  or_status_ignore(status); /* any answer will do, but a crash */
  or_model_release(model);
  if (or_status_live_count() != 0) abort();
  return 0;
}
