/* A config.json for the parameters of a committed checkpoint: BERT's, DistilBERT's or GPT-2's, whichever it names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/string.h"
#include "model/huggingface.h"

#define FAMILIES 3
#define PATH_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const families[FAMILIES] = {"distilbert", "gpt2", "bert"};
static char folder[] = "/tmp/or_huggingface_fuzz_XXXXXX";

static void remove_links(void) {
  char path[PATH_BYTES];
  for (size_t i = 0; i < FAMILIES; ++i) {
    (void)unlink(or_format(path, sizeof path, "%s/%s/model.safetensors", folder, families[i]));
    (void)unlink(or_format(path, sizeof path, "%s/%s/config.json", folder, families[i]));
    (void)rmdir(or_format(path, sizeof path, "%s/%s", folder, families[i]));
  }
  (void)rmdir(folder);
}

/* A folder for each family, with a link to its parameters; BERT's lie in two files, of which one serves. */
static bool make_links(void) {
  char root[PATH_BYTES / 2], from[PATH_BYTES], to[PATH_BYTES];
  if (mkdtemp(folder) == NULL || getcwd(root, sizeof root) == NULL) return false;
  for (size_t i = 0; i < FAMILIES; ++i) {
    const char *file = i == 2 ? "model-00001-of-00002.safetensors" : "model.safetensors";
    or_format(from, sizeof from, "%s/tests/data/checkpoints/%s/%s", root, families[i], file);
    or_format(to, sizeof to, "%s/%s", folder, families[i]);
    if (mkdir(to, 0700) != 0 ||
        symlink(from, or_format(to, sizeof to, "%s/%s/model.safetensors", folder, families[i])) != 0)
      return false;
  }
  return atexit(remove_links) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool ready;
  char path[PATH_BYTES];
  or_graph_t *graph = NULL;
  size_t family = 0;
  if (!ready && !make_links()) abort();
  ready = true;
  while (family + 1 < FAMILIES && (size == 0 || memmem(data, size, families[family], strlen(families[family])) == NULL))
    ++family;
  or_format(path, sizeof path, "%s/%s/config.json", folder, families[family]);
  or_status_t status = or_file_write(path, data, size);
  if (!or_ok(status)) abort();
  or_format(path, sizeof path, "%s/%s", folder, families[family]);
  or_status_ignore(or_huggingface_read_folder(or_allocator_system(), path, "x", NULL, &graph)); /* any, but a crash */
  or_graph_release(graph);
  if (or_status_live_count() != 0) abort();
  return 0;
}
