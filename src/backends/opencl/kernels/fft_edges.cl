/* What lies around the passes of fft.cl: complex numbers from real ones, from others' types and from half spectra, and
 * back; and the convolution that lengths with large prime factors go by. -DT: float or double, of the complex numbers;
 * -DTX: the type of the elements at the outer end. */
#define T2 PASTE(T, 2)
#define T4 PASTE(T, 4)

/* Work items past the end of a dimension, which groups have there, do nothing. */
#define WITHIN(width, length) \
  if (get_global_id(0) >= (size_t)(width) || get_global_id(1) >= (size_t)(length)) return

static inline T2 times(T2 a, T2 b) { return (T2)(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }
static inline T2 conjugate(T2 a) { return (T2)(a.x, -a.y); }

/* Dimensions: inner, n, outer. y [outer, n, inner] complex from x [outer, extent, inner, parts]: cut or filled with
 * zeros. With `half`, x holds coefficients 0 to n / 2 of a real signal's spectrum. */
__kernel void enter(IN(x), OUT(y), int inner, int n, int extent, int parts, int half_spectrum) {
  WITHIN(inner, n);
  size_t i = get_global_id(0), width = (size_t)inner;
  int j = (int)get_global_id(1), mirrored = half_spectrum && j > n / 2, k = mirrored ? n - j : j;
  __global const TX *from = READ(TX, x);
  T2 value = (T2)(0, 0);
  if (k < extent) {
    size_t at = ((get_global_id(2) * (size_t)extent + (size_t)k) * width + i) * (size_t)parts;
    value.x = (T)LOAD(TX, from, at);
    if (parts == 2) value.y = (T)LOAD(TX, from, at + 1);
  }
  if (half_spectrum && (j == 0 || 2 * j == n)) value.y = 0;
  if (mirrored) value.y = -value.y;
  vstore2(value, (get_global_id(2) * (size_t)n + (size_t)j) * width + i, WRITE(T, y));
}

/* Dimensions: n, frames, batch. y [batch, frames, n] from x [batch, length, parts], each frame times the window. */
__kernel void frames(IN(x), IN(window), OUT(y), int n, int count, int step, long length, int parts, int windowed) {
  WITHIN(n, count);
  size_t j = get_global_id(0), frame = get_global_id(1), batch = get_global_id(2);
  __global const TX *from = READ(TX, x);
  __global const TX *weights = READ(TX, window);
  size_t at = (batch * (size_t)length + frame * (size_t)step + j) * (size_t)parts;
  T weight = windowed ? (T)LOAD(TX, weights, j) : (T)1;
  T2 value = (T2)((T)LOAD(TX, from, at) * weight, 0);
  if (parts == 2) value.y = (T)LOAD(TX, from, at + 1) * weight;
  vstore2(value, (batch * (size_t)count + frame) * (size_t)n + j, WRITE(T, y));
}

/* Dimensions: inner, count, outer. y [outer, count, inner, parts] from x [outer, n, inner] complex. */
__kernel void leave(IN(x), OUT(y), int inner, int n, int count, int parts) {
  WITHIN(inner, count);
  size_t i = get_global_id(0), j = get_global_id(1), o = get_global_id(2), width = (size_t)inner;
  __global TX *to = WRITE(TX, y);
  T2 value = vload2((o * (size_t)n + j) * width + i, READ(T, x));
  size_t at = ((o * (size_t)count + j) * width + i) * (size_t)parts;
  STORE(TX, to, at, value.x);
  if (parts == 2) STORE(TX, to, at + 1, value.y);
}

/* A real line of n = 2 h numbers as a complex one of h. Dimensions of both: 1, h or h + 1, lines. roots:
 * exp(-2 pi i k / n). From the spectrum z of the complex line to coefficients 0 to h of the real one: */
__kernel void untangle(IN(x), OUT(y), IN(roots), int h) {
  WITHIN(1, h + 1);
  int k = (int)get_global_id(1), other = k == 0 ? 0 : h - k;
  __global const T *from = READ(T, x);
  size_t line = get_global_id(2) * (size_t)h;
  T2 z = vload2(line + (size_t)(k == h ? 0 : k), from);
  T2 mirror = conjugate(vload2(line + (size_t)other, from));
  T2 even = (T)0.5 * (z + mirror), odd = (T)0.5 * (z - mirror);
  odd = times((T2)(odd.y, -odd.x), vload2((size_t)k, READ(T, roots)));
  vstore2(even + odd, get_global_id(2) * (size_t)(h + 1) + (size_t)k, WRITE(T, y));
}

/* And back, twice as large. The imaginary parts of coefficients 0 and h are not looked at. */
__kernel void tangle(IN(x), OUT(y), IN(roots), int h) {
  WITHIN(1, h);
  int k = (int)get_global_id(1);
  __global const T *from = READ(T, x);
  size_t line = get_global_id(2) * (size_t)(h + 1);
  T2 z = vload2(line + (size_t)k, from), mirror = conjugate(vload2(line + (size_t)(h - k), from));
  if (k == 0) {
    z.y = 0;
    mirror.y = 0;
  }
  T2 even = z + mirror, odd = times(z - mirror, conjugate(vload2((size_t)k, READ(T, roots))));
  vstore2((T2)(even.x - odd.y, even.y + odd.x), get_global_id(2) * (size_t)h + (size_t)k, WRITE(T, y));
}

/* Bluestein: y[k] = c[k] * sum over j of (x[j] c[j]) conj c[k - j], with c[k] = exp(-pi i k k / n): a convolution of m
 * points, m >= 2 n - 1. Dimensions: inner, m or n, outer. */
__kernel void chirp(IN(x), OUT(y), IN(chirps), int inner, int n, int m, T4 factors) {
  WITHIN(inner, m);
  size_t i = get_global_id(0), j = get_global_id(1), o = get_global_id(2), width = (size_t)inner;
  T2 value = (T2)(0, 0);
  if ((int)j < n) {
    value = vload2((o * (size_t)n + j) * width + i, READ(T, x));
    value.y *= factors.x;
    value = times(value, vload2(j, READ(T, chirps)));
  }
  vstore2(value, (o * (size_t)m + j) * width + i, WRITE(T, y));
}

/* In place; conjugated, so that the transform back is one forward. */
__kernel void filter(IN_PLACE(x), IN(spectrum), int inner, int m) {
  WITHIN(inner, m);
  size_t at = (get_global_id(2) * (size_t)m + get_global_id(1)) * (size_t)inner + get_global_id(0);
  __global T *line = WRITE(T, x);
  vstore2(conjugate(times(vload2(at, line), vload2(get_global_id(1), READ(T, spectrum)))), at, line);
}

__kernel void unchirp(IN(x), OUT(y), IN(chirps), int inner, int n, int m, T4 factors) {
  WITHIN(inner, n);
  size_t i = get_global_id(0), k = get_global_id(1), o = get_global_id(2), width = (size_t)inner;
  T2 value = conjugate(vload2((o * (size_t)m + k) * width + i, READ(T, x)));
  value = times(value, vload2(k, READ(T, chirps)));
  vstore2((T2)(value.x * factors.y, value.y * factors.z), (o * (size_t)n + k) * width + i, WRITE(T, y));
}
