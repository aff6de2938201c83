/* The sum of `count` numbers in two passes: each block leaves one partial sum, made in its local memory; a second run,
 * of one block, adds up the partial sums. The block's extent is a power of two, and `scratch` has room for as many
 * floats. */
kernel void reduction(const uint count, global const float *in, global float *out, local float *scratch) {
  const size_t item = get_local_id(0), items = get_local_size(0);
  float sum = 0;
  for (size_t i = get_global_id(0); i < count; i += get_global_size(0)) sum += in[i];
  scratch[item] = sum;
  for (size_t rest = items / 2; rest > 0; rest /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < rest) scratch[item] += scratch[item + rest];
  }
  if (item == 0) out[get_group_id(0)] = scratch[0];
}
