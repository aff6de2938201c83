/* Gemm [+ residual] [+ activation] -> one fused node. Its own C is scaled by beta, so a bias that an Add brings is not
 * put in its place. */
#include "graph/rewrite/rewrite_internal.h"

or_status_t or_rewrite_gemm(or_rewriter_t *rewriter, uint32_t root) {
  or_epilogue_t epilogue;
  or_epilogue_match(rewriter, root, NULL, &epilogue);
  return epilogue.part_count > 1 ? or_epilogue_fuse(rewriter, &epilogue) : or_status_success();
}
