/* y = a x + y. The grid is as many work items as there are elements, or more. */
kernel void saxpy(const uint count, const float a, global const float *x, global float *y) {
  const size_t i = get_global_id(0);
  if (i < count) y[i] = a * x[i] + y[i];
}
