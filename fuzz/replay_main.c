/* Runs a fuzz target over files: every regular file of the folders (and every file) named on the command line. Linked
 * in place of libFuzzer in the ordinary builds, so that the corpora replay in the ordinary test run. */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_folder(const char *path, size_t *count);
static int replay_file(const char *path, size_t size, size_t *count);

static int replay_path(const char *path, size_t *count) {
  struct stat info;
  if (stat(path, &info) != 0) {
    (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return 1;
  }
  return S_ISDIR(info.st_mode) ? replay_folder(path, count) : replay_file(path, (size_t)info.st_size, count);
}

int main(int argc, char **argv) {
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    if (replay_path(argv[i], &count) != 0) return 1;
  }
  (void)printf("%zu inputs replayed\n", count);
  return count > 0 ? 0 : 1;
}

/* One level only: a corpus has no subfolders. */
static int replay_folder(const char *path, size_t *count) {
  DIR *folder = opendir(path);
  if (folder == NULL) {
    (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return 1;
  }
  int failed = 0;
  for (struct dirent *entry = readdir(folder); entry != NULL && !failed; entry = readdir(folder)) {
    char file[4096];
    struct stat info;
    int length = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
    if (length < 0 || (size_t)length >= sizeof file) {
      (void)fprintf(stderr, "%s/%s: path too long\n", path, entry->d_name);
      failed = 1;
    } else if (stat(file, &info) == 0 && S_ISREG(info.st_mode)) {
      failed = replay_file(file, (size_t)info.st_size, count);
    }
  }
  (void)closedir(folder);
  return failed;
}

static int replay_file(const char *path, size_t size, size_t *count) {
  FILE *file = fopen(path, "rb");
  /* Exactly `size` bytes on the heap, so that AddressSanitizer sees a read past the end. */
  uint8_t *data = malloc(size > 0 ? size : 1);
  int failed = file == NULL || data == NULL || fread(data, 1, size, file) != size;
  if (failed) {
    (void)fprintf(stderr, "%s: can't be read\n", path);
  } else {
    (void)LLVMFuzzerTestOneInput(data, size);
    ++*count;
  }
  free(data);
  if (file != NULL) (void)fclose(file);
  return failed;
}
