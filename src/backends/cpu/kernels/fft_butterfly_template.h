/* Transforms of a few points in registers, in place, the exponent's sign minus. Names as in fft_template.h. */

/* (re, im)[a], [b] become their sum and difference. */
OR_INLINE void cross(E_V *re, E_V *im, int a, int b) {
  const E_V r = re[a], i = im[a];
  re[a] = E(add)(r, re[b]);
  im[a] = E(add)(i, im[b]);
  re[b] = E(sub)(r, re[b]);
  im[b] = E(sub)(i, im[b]);
}

/* times -i */
OR_INLINE void quarter(E_V *re, E_V *im, int a) {
  const E_V r = re[a];
  re[a] = im[a];
  im[a] = E(sub)(E(zero)(), r);
}

OR_INLINE void times(E_V *re, E_V *im, E_V wr, E_V wi) {
  const E_V r = *re, i = *im;
  *re = E(fnma)(i, wi, E(mul)(r, wr));
  *im = E(fma)(i, wr, E(mul)(r, wi));
}

/* Four points at the indices a, b, c, d; the results stay in the order 0, 1, 2, 3 there. */
OR_INLINE void four(E_V *re, E_V *im, int a, int b, int c, int d) {
  const E_V ar = E(add)(re[a], re[c]), ai = E(add)(im[a], im[c]), cr = E(sub)(re[a], re[c]), ci = E(sub)(im[a], im[c]);
  const E_V br = E(add)(re[b], re[d]), bi = E(add)(im[b], im[d]), dr = E(sub)(re[b], re[d]), di = E(sub)(im[b], im[d]);
  re[a] = E(add)(ar, br);
  im[a] = E(add)(ai, bi);
  re[c] = E(sub)(ar, br);
  im[c] = E(sub)(ai, bi);
  re[b] = E(add)(cr, di);
  im[b] = E(sub)(ci, dr);
  re[d] = E(sub)(cr, di);
  im[d] = E(add)(ci, dr);
}

/* times exp(-pi i / 4), and times exp(-3 pi i / 4) */
OR_INLINE void eighth(E_V *re, E_V *im, int a) {
  const E_V half = E(set1)((E_T)0.70710678118654752440), r = re[a], i = im[a];
  re[a] = E(mul)(E(add)(r, i), half);
  im[a] = E(mul)(E(sub)(i, r), half);
}
OR_INLINE void three_eighths(E_V *re, E_V *im, int a) {
  const E_V half = E(set1)((E_T)0.70710678118654752440), r = re[a], i = im[a];
  re[a] = E(mul)(E(sub)(i, r), half);
  im[a] = E(mul)(E(add)(r, i), E(sub)(E(zero)(), half));
}

OR_INLINE void eight(E_V *re, E_V *im) {
  OR_UNROLL
  for (int k = 0; k < 4; ++k) cross(re, im, k, k + 4);
  eighth(re, im, 5);
  quarter(re, im, 6);
  three_eighths(re, im, 7);
  four(re, im, 0, 1, 2, 3); /* 0 2 4 6 */
  four(re, im, 4, 5, 6, 7); /* 1 3 5 7 */
  E_V r[8], i[8];
  OR_UNROLL
  for (int k = 0; k < 8; ++k) {
    r[k] = re[k % 2 * 4 + k / 2];
    i[k] = im[k % 2 * 4 + k / 2];
  }
  OR_UNROLL
  for (int k = 0; k < 8; ++k) {
    re[k] = r[k];
    im[k] = i[k];
  }
}

/* Sixteen points as four times four. First for each k < 4: four(k, k + 4, k + 8, k + 12); then for each k this, which
 * leaves result k + 4 j at 4 k + j. In such steps no more than the points themselves need be in registers at once. */
OR_INLINE void sixteen_rows(const int k, E_V *re, E_V *im) {
  const E_V c = E(set1)((E_T)0.92387953251128675613), s = E(set1)((E_T)0.38268343236508977173),
            cm = E(set1)((E_T)-0.92387953251128675613), sm = E(set1)((E_T)-0.38268343236508977173);
  switch (k) { /* w^(row column), w = exp(-2 pi i / 16) */
  case 1:
    times(&re[5], &im[5], c, sm);
    eighth(re, im, 6);
    times(&re[7], &im[7], s, cm);
    break;
  case 2:
    eighth(re, im, 9);
    quarter(re, im, 10);
    three_eighths(re, im, 11);
    break;
  case 3:
    times(&re[13], &im[13], s, cm);
    three_eighths(re, im, 14);
    times(&re[15], &im[15], cm, s);
    break;
  default: break;
  }
  four(re, im, 4 * k, 4 * k + 1, 4 * k + 2, 4 * k + 3);
}

/* cos and sin of 2 pi j / r, j < r; constants once the loops below are unrolled. */
#define R3 0.86602540378443864676
static const double circle3[2][3] = {{1, -0.5, -0.5}, {0, R3, -R3}};
static const double circle5[2][5] = {
    {1, 0.30901699437494742410, -0.80901699437494742410, -0.80901699437494742410, 0.30901699437494742410},
    {0, 0.95105651629515357212, 0.58778525229247312917, -0.58778525229247312917, -0.95105651629515357212}};
static const double circle7[2][7] = {{1, 0.62348980185873353053, -0.22252093395631440429, -0.90096886790241912624,
                                      -0.90096886790241912624, -0.22252093395631440429, 0.62348980185873353053},
                                     {0, 0.78183148246802980871, 0.97492791218182360702, 0.43388373911755812048,
                                      -0.43388373911755812048, -0.97492791218182360702, -0.78183148246802980871}};
static const double circle11[2][11] = {
    {1, 0.84125353283118116886, 0.41541501300188642553, -0.14231483827328514044, -0.65486073394528506406,
     -0.95949297361449738989, -0.95949297361449738989, -0.65486073394528506406, -0.14231483827328514044,
     0.41541501300188642553, 0.84125353283118116886},
    {0, 0.54064081745559758211, 0.90963199535451837141, 0.98982144188093273238, 0.75574957435425828377,
     0.28173255684142969771, -0.28173255684142969771, -0.75574957435425828377, -0.98982144188093273238,
     -0.90963199535451837141, -0.54064081745559758211}};
static const double circle13[2][13] = {
    {1, 0.88545602565320989590, 0.56806474673115580251, 0.12053668025532305335, -0.35460488704253562597,
     -0.74851074817110109863, -0.97094181742605202716, -0.97094181742605202716, -0.74851074817110109863,
     -0.35460488704253562597, 0.12053668025532305335, 0.56806474673115580251, 0.88545602565320989590},
    {0, 0.46472317204376854566, 0.82298386589365639458, 0.99270887409805399280, 0.93501624268541482344,
     0.66312265824079520238, 0.23931566428755776715, -0.23931566428755776715, -0.66312265824079520238,
     -0.93501624268541482344, -0.99270887409805399280, -0.82298386589365639458, -0.46472317204376854566}};

/* An odd number of points: by sums and differences of the pairs j, r - j. */
OR_INLINE void odd(const int r, const double *cosines, const double *sines, E_V *re, E_V *im) {
  E_V sum_re[OR_FFT_MAX_RADIX / 2], sum_im[OR_FFT_MAX_RADIX / 2], gap_re[OR_FFT_MAX_RADIX / 2],
      gap_im[OR_FFT_MAX_RADIX / 2];
  const E_V first_re = re[0], first_im = im[0];
  OR_UNROLL
  for (int j = 1; j <= r / 2; ++j) {
    sum_re[j] = E(add)(re[j], re[r - j]);
    sum_im[j] = E(add)(im[j], im[r - j]);
    gap_re[j] = E(sub)(re[j], re[r - j]);
    gap_im[j] = E(sub)(im[j], im[r - j]);
    re[0] = E(add)(re[0], sum_re[j]);
    im[0] = E(add)(im[0], sum_im[j]);
  }
  OR_UNROLL
  for (int k = 1; k <= r / 2; ++k) {
    E_V even_re = first_re, even_im = first_im, odd_re = E(zero)(), odd_im = E(zero)();
    OR_UNROLL
    for (int j = 1; j <= r / 2; ++j) {
      const E_V c = E(set1)((E_T)cosines[j * k % r]), s = E(set1)((E_T)sines[j * k % r]);
      even_re = E(fma)(sum_re[j], c, even_re);
      even_im = E(fma)(sum_im[j], c, even_im);
      odd_re = j == 1 ? E(mul)(gap_im[j], s) : E(fma)(gap_im[j], s, odd_re);
      odd_im = j == 1 ? E(mul)(gap_re[j], s) : E(fma)(gap_re[j], s, odd_im);
    }
    re[k] = E(add)(even_re, odd_re);
    im[k] = E(sub)(even_im, odd_im);
    re[r - k] = E(sub)(even_re, odd_re);
    im[r - k] = E(add)(even_im, odd_im);
  }
}

/* Of sixteen points see sixteen_rows. */
OR_INLINE void butterfly(const int radix, E_V *re, E_V *im) {
  switch (radix) {
  case 2: cross(re, im, 0, 1); break;
  case 3: odd(3, circle3[0], circle3[1], re, im); break;
  case 4: four(re, im, 0, 1, 2, 3); break;
  case 5: odd(5, circle5[0], circle5[1], re, im); break;
  case 7: odd(7, circle7[0], circle7[1], re, im); break;
  case 8: eight(re, im); break;
  case 11: odd(11, circle11[0], circle11[1], re, im); break;
  case 13: odd(13, circle13[0], circle13[1], re, im); break;
  default: break; /* one point */
  }
}
