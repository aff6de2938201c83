/* The Mandelbrot set as a picture: out[height][width][3], uint8. A point that stays within the circle of radius 2 for
 * `limit` steps is black; the others are coloured by how soon they left. */
#ifndef CENTER_X
#define CENTER_X -0.6f
#endif
#ifndef CENTER_Y
#define CENTER_Y 0.0f
#endif
#ifndef SPAN
#define SPAN 3.2f /* of the complex plane, along x */
#endif

kernel void mandelbrot(global uchar *out, const uint width, const uint height, const uint limit) {
  const uint x = get_global_id(0), y = get_global_id(1);
  if (x >= width || y >= height) return;
  const float step = SPAN / width;
  const float cx = CENTER_X + (x - width * 0.5f) * step, cy = CENTER_Y + (y - height * 0.5f) * step;
  float zx = 0, zy = 0;
  uint n = 0;
  for (; n < limit && zx * zx + zy * zy <= 4; ++n) {
    const float next = zx * zx - zy * zy + cx;
    zy = 2 * zx * zy + cy;
    zx = next;
  }
  const float t = n == limit ? 0 : sqrt((float)n / limit), s = 1 - t;
  global uchar *pixel = out + 3 * ((size_t)y * width + x);
  pixel[0] = convert_uchar_sat(255 * 9 * s * t * t * t);
  pixel[1] = convert_uchar_sat(255 * 15 * s * s * t * t);
  pixel[2] = convert_uchar_sat(255 * 8.5f * s * s * s * t);
}
