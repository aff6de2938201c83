/* Einsums of two operands, by products over operands as they lie, against the C reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backends/registry.h"
#include "fake/rig.h"

#include "backends/cpu/network_fixture_template.h"

typedef struct form_t {
  const char *equation;
  or_shape_t a, b;
  bool product; /* else the reference has it */
} form_t;

static void expect(const form_t *form, or_dtype_t dtype, int constant, bool relu) {
  static const char *const levels[] = {"portable", "avx2", ""};
  for (size_t i = 0; i < sizeof levels / sizeof *levels; ++i) {
    or_rig_t rig;
    net_run_t run;
    net_t net;
    or_backend_settings_t settings = {.cpu_isa = levels[i], .system_root = "", .cache_directory = "", .threads = 2};
    net_init(&net);
    or_value_id_t a = constant == 1 ? net_constant(&net, dtype, form->a) : net_input(&net, dtype, form->a);
    or_value_id_t b = constant == 2 ? net_constant(&net, dtype, form->b) : net_input(&net, dtype, form->b);
    or_node_t *node = net_node(&net, "Einsum", 12, NET_IDS(a, b));
    or_attribute_t *attribute = net_attribute(node, "equation", OR_ATTRIBUTE_STRING);
    attribute->string = (or_string_t){.data = form->equation, .length = strlen(form->equation)};
    or_value_id_t y = net_done(&net, node);
    if (relu) {
      or_value_id_t residual = net_input(&net, dtype, net.values[y].shape);
      y = net_simple(&net, "Add", 14, NET_IDS(y, residual));
      y = net_simple(&net, "Relu", 14, &y, 1);
      net_fuse(&net, 3);
    }
    net_output(&net, y);
    net_ok(or_rig_open(&rig, or_allocator_system(), or_backend_cpu_entry, &settings));
    net_expect_reference(&net, rig.devices[0], dtype == OR_FLOAT16 ? 4e-3 : 1e-5);
    net_compile(&net, rig.devices[0], &run);
    bool product = strstr(net_kernel(&run, 0), " gemm") != NULL;
    if (product != form->product) fail_msg("%s: %s", form->equation, net_kernel(&run, 0));
    net_run_deinit(&run);
    or_rig_close(&rig);
    net_deinit(&net);
    assert_int_equal(or_status_live_count(), 0);
  }
}

/* XLNet's, of convolutions as products, of outer products, with labels of one element, and batches in any order. */
static void products_are_found_wherever_their_labels_stand(void **state) {
  (void)state;
  const form_t forms[] = {
      {"ibh,hnd->ibnd", NET_SHAPE(5, 2, 24), NET_SHAPE(24, 4, 6), true},
      {"ibnd,jbnd->bnij", NET_SHAPE(5, 2, 3, 8), NET_SHAPE(7, 2, 3, 8), true},
      {"bnij,jbnd->ibnd", NET_SHAPE(2, 3, 5, 7), NET_SHAPE(7, 2, 3, 8), true},
      {"ibnd,hnd->ibh", NET_SHAPE(5, 2, 3, 4), NET_SHAPE(9, 3, 4), true},
      {"ijbs,ibns->bnij", NET_SHAPE(5, 6, 2, 2), NET_SHAPE(5, 2, 3, 2), true},
      {"ibnd,snd->ibns", NET_SHAPE(5, 2, 3, 8), NET_SHAPE(2, 3, 8), true},
      {"bct,vc->bvt", NET_SHAPE(2, 4, 9), NET_SHAPE(5, 4), true},
      {"bctv,vw->bctw", NET_SHAPE(2, 3, 4, 5), NET_SHAPE(5, 5), true},
      {"nkctv,kvw->nctw", NET_SHAPE(2, 3, 4, 5, 6), NET_SHAPE(3, 6, 6), false}, /* k and v lie apart */
      {"i,j->ij", NET_SHAPE(5), NET_SHAPE(7), true},
      {"i,j->ji", NET_SHAPE(5), NET_SHAPE(7), true},
      {"bi,bj->bij", NET_SHAPE(3, 5), NET_SHAPE(3, 7), true},
      {"bi,bi->b", NET_SHAPE(3, 5), NET_SHAPE(3, 5), true},
      {"bi,bi->bi", NET_SHAPE(3, 5), NET_SHAPE(3, 5), true},
      {"ij,ij->", NET_SHAPE(3, 5), NET_SHAPE(3, 5), true},
      {"ij,ji->", NET_SHAPE(3, 5), NET_SHAPE(5, 3), false},
      {"bhwc,hkc->bhwk", NET_SHAPE(2, 3, 4, 5), NET_SHAPE(3, 6, 5), true},
      {"abcd,d->cab", NET_SHAPE(2, 3, 4, 5), NET_SHAPE(5), true},
      {"ab,cb->ca", NET_SHAPE(1, 5), NET_SHAPE(4, 5), true},
      {"ab,cb->ac", NET_SHAPE(6, 5), NET_SHAPE(1, 5), true},
      {"ab,bc->ca", NET_SHAPE(3, 1), NET_SHAPE(1, 4), true},
      {"ab,c->c", NET_SHAPE(3, 4), NET_SHAPE(5), false}, /* a sum of one operand alone */
      {"a,bc->a", NET_SHAPE(3), NET_SHAPE(4, 5), false},
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; ++i) {
    for (int constant = 0; constant < 3; ++constant) expect(&forms[i], OR_FLOAT32, constant, false);
    expect(&forms[i], OR_FLOAT64, 2, false);
    expect(&forms[i], OR_FLOAT16, 2, false);
  }
}

static void what_follows_is_done_in_the_same_step(void **state) {
  (void)state;
  const form_t forms[] = {{"bnij,jbnd->ibnd", NET_SHAPE(2, 3, 5, 7), NET_SHAPE(7, 2, 3, 8), true},
                          {"bct,vc->bvt", NET_SHAPE(2, 4, 9), NET_SHAPE(5, 4), true}};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; ++i) {
    expect(&forms[i], OR_FLOAT32, 2, true);
    expect(&forms[i], OR_FLOAT16, 0, true);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_are_found_wherever_their_labels_stand),
      cmocka_unit_test(what_follows_is_done_in_the_same_step),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
