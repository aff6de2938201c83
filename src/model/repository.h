#ifndef OR_MODEL_REPOSITORY_H
#define OR_MODEL_REPOSITORY_H
/* Where models lie: NAME.onnx | NAME/model.onnx | NAME/<version>/model.onnx | NAME/config.json below a folder.
 * Pure but for the file system; any thread. */

#include "openruntime/status.h"

#define OR_REPOSITORY_NAME_BYTES 129 /* 128 characters and the terminator */

/* [A-Za-z0-9][A-Za-z0-9._-]{0,127} */
bool or_repository_name_valid(const char *name);
/* A path of a user: a .onnx file, or a folder with model.onnx or versions (the highest number), or one that Hugging
 * Face's libraries saved, which is its own file. *file is the caller's (or_free).
 * NOT_FOUND says what was looked for. */
or_status_t or_repository_resolve(const or_allocator_t *allocator, const char *path, char **file);
/* A name, or NAME:VERSION, below `directory`. INVALID_ARGUMENT (not a name); NOT_FOUND (the nearest name). *file: the
   caller's. */
or_status_t or_repository_find(const or_allocator_t *allocator, const char *directory, const char *name, char **file);
/* The model's name of a file: "digits" of "…/digits/3/model.onnx"; into `name`; returns it. */
char *or_repository_name_of(const char *file, char *name, size_t capacity);

/* The version of a file: 3 of "…/digits/3/model.onnx"; -1: it has none. */
int64_t or_repository_version_of(const char *file);
/* Calls back for the number of every version folder with a model.onnx of a model, lowest first. */
#define OR_REPOSITORY_MAX_VERSIONS 256u /* the highest are kept */
void or_repository_versions(const char *directory, const char *name, void (*visit)(void *self, int64_t version),
                            void *self);

/* Takes a model's files away: NAME.onnx with NAME.json and NAME.onnx.data, else the folder NAME; with `version` >= 0
 * that folder of it. A link is removed, not what it leads to. Gone at once, whatever becomes of the files.
 * INVALID_ARGUMENT: no name; NOT_FOUND; PERMISSION_DENIED, UNAVAILABLE. Messages name no path. */
or_status_t or_repository_remove(const char *directory, const char *name, int64_t version);

/* Calls back for every model below `directory`, in alphabetical order, with its name and file. A callback's failure
   ends the walk. */
typedef or_status_t (*or_repository_visit_t)(void *self, const char *name, const char *file);
or_status_t or_repository_list(const or_allocator_t *allocator, const char *directory, or_repository_visit_t visit,
                               void *self);

#endif
