#include "or_config.h"
#include "or_revision.h"

#include "openruntime/runtime.h"

const char *or_version(void) { return OR_VERSION; }

#define WITH(have, yes, no) WITH_(have, yes, no)
#define WITH_(have, yes, no) WITH_##have(yes, no)
#define WITH_1(yes, no) yes
#define WITH_0(yes, no) no

const char *or_version_details(void) {
  return OR_VERSION
      " (revision " OR_GIT_REVISION ", " OR_COMPILER ", " OR_BUILD_TYPE ")" WITH(OR_HAVE_DNNL, " +onednn", " -onednn")
          WITH(OR_HAVE_PNG, " +png", " -png") WITH(OR_HAVE_JPEG, " +jpeg", " -jpeg")
              WITH(OR_HAVE_CURL, " +curl", " -curl") WITH(OR_HAVE_HWLOC, " +hwloc", " -hwloc")
                  WITH(OR_HAVE_SQLITE, " +sqlite", " -sqlite") WITH(OR_HAVE_OPENSSL, " +openssl", " -openssl")
                      WITH(OR_HAVE_SERVER, " +server", " -server") WITH(OR_HAVE_AVX2, " +avx2", "")
                          WITH(OR_HAVE_AVX512, " +avx512", "") WITH(OR_HAVE_AVX512BF16, " +avx512_bf16", "")
                              WITH(OR_HAVE_AMX, " +amx", "") WITH(OR_HAVE_NEON, " +neon", "");
}
