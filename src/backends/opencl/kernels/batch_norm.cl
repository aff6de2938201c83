/* Channels shifted and scaled by numbers that are given: y = (x - mean) / sqrt(variance + epsilon) scale + bias.
 * -DT=type -DW=elements of a work item -DS=type of scale and bias -DM=type of mean and variance. */

#define E COMPUTE(T)
#if W == 1
#define V E
#else
#define V VECTOR(W, T)
#endif

/* Planes of `plane` elements, one a channel of an image. y may be x's place. */
__kernel void batch_norm(IN_PLACE(x), IN(scale), IN(bias), IN(mean), IN(variance), IN_PLACE(y), int planes, int plane,
                         int channels, float epsilon) {
  int column = get_global_id(0) * W, row = get_global_id(1);
  if (row >= planes || column >= plane) return;
  int channel = row % channels;
  const E factor = (E)LOAD(S, READ(S, scale), channel) / sqrt((E)LOAD(M, READ(M, variance), channel) + (E)epsilon);
  const E middle = (E)LOAD(M, READ(M, mean), channel), shift = (E)LOAD(S, READ(S, bias), channel);
  __global const T *from = READ(T, x) + (size_t)row * plane;
  __global T *to = WRITE(T, y) + (size_t)row * plane;
#if W > 1
  if (column + W <= plane) {
    STOREN(W, T, to + column, 0, (LOADN(W, T, from + column, 0) - middle) * factor + shift);
    return;
  }
#endif
  int end = min(column + W, plane);
  for (; column < end; ++column) STORE(T, to, column, (LOAD(T, from, column) - middle) * factor + shift);
}
