#ifndef OR_OPS_CONTROL_H
#define OR_OPS_CONTROL_H
/* If (ONNX ai.onnx 1 to 25), Loop (1 to 25), Scan (8 to 25) and SequenceMap (17): control flow, whose bodies are graphs
 * in attributes.
 * The rows know counts and attributes; the graph infers the bodies, and the runtime carries them out.
 *
 * If(cond bool, one element) -> the outputs of then_branch or else_branch, which have no inputs of their own.
 * Loop(M int64 or left out, cond bool or left out, v_1 … v_n) -> v_1 … v_n, then one tensor per scan output.
 *   body(iteration int64, cond bool, v_1 … v_n) -> (cond, v_1 … v_n, scan outputs of one iteration).
 * Scan(v_1 … v_n, x_1 … x_m) -> v_1 … v_n, then one tensor per scan output; version 8 has the optional sequence_lens
 *   before them, and batches. body(v_1 … v_n, slices of x) -> (v_1 … v_n, slices of the scan outputs).
 * SequenceMap(a sequence, sequences of the same length or tensors) -> sequences. body(a tensor of each sequence, the
 *   tensors) -> a tensor for each of the sequences that come out. */

#include "ops/op.h"

extern const or_op_t or_op_if;
extern const or_op_t or_op_loop;
extern const or_op_t or_op_scan;
extern const or_op_t or_op_sequence_map;

#endif
