// The forms that most pointwise programs of a training have, which a GPU runs in registers.
#include <doctest/doctest.h>

#include "ops/pointwise/pointwise_form.h"
#include "pointwise_program.h"

using namespace kantor;
using namespace kantor::test;

TEST_CASE("a form is found where a program has one") {
  constexpr auto kNone = PwForm::kNone;
  auto form_of = [](std::vector<PwInstruction> code, int result = -1) {
    return PwForm::of(code.data(), static_cast<int>(code.size()), result);
  };
  // act(accumulator + bias), as a layer's product ends
  PwForm layer = form_of({{Pw::accumulator, 0, 0, 0, 0}, {Pw::input, 1, 4, 0, 0}, {Pw::add, 2, 0, 1, 0},
                          {Pw::leaky_relu, 2, 2, 0, 0.2f}, {Pw::store, 0, 2, 0, 0}});
  REQUIRE(layer.fits);
  CHECK_EQ(layer.first.a, PwForm::kAccumulator);
  CHECK_EQ(layer.second.a, 4);
  CHECK((layer.first.op == kNone && layer.second.op == kNone && layer.both.op == Pw::add));
  CHECK((layer.last.op == Pw::leaky_relu && layer.last.imm == 0.2f));
  // mask(y) * 3 x, as a register
  PwForm masked = form_of({{Pw::input, 0, 1, 0, 0}, {Pw::input, 1, 0, 0, 0}, {Pw::leaky_mask, 0, 0, 0, 0.1f},
                           {Pw::scale, 1, 1, 0, 3}, {Pw::mul, 3, 0, 1, 0}}, 3);
  REQUIRE(masked.fits);
  CHECK((masked.first.op == Pw::leaky_mask && masked.first.a == 1 && masked.first.imm == 0.1f));
  CHECK((masked.second.op == Pw::scale && masked.second.a == 0 && masked.second.imm == 3));
  CHECK((masked.both.op == Pw::mul && masked.last.op == kNone));
  // Two steps on one value
  PwForm steps = form_of({{Pw::input, 0, 0, 0, 0}, {Pw::scale, 0, 0, 0, 2}, {Pw::tanh, 0, 0, 0, 0}, {Pw::store, 0, 0, 0, 0}});
  CHECK((steps.fits && steps.both.op == kNone && steps.first.op == Pw::scale && steps.last.op == Pw::tanh));

  const PwInstruction x = {Pw::input, 0, 0, 0, 0}, y = {Pw::input, 1, 1, 0, 0}, add = {Pw::add, 0, 0, 1, 0},
                      store = {Pw::store, 0, 0, 0, 0};
  CHECK(form_of({x, y, add, store}).fits);
  CHECK(!form_of({x, y, add, add, store}).fits);                                      // three values
  CHECK(!form_of({x, y, add, store, {Pw::store, 0, 0, 1, 0}}).fits);                  // two outputs
  CHECK(!form_of({x, {Pw::exp, 0, 0, 0, 0}, store}).fits);                            // another operation
  CHECK(!form_of({x, y, add, {Pw::tanh, 0, 0, 0, 0}, {Pw::relu, 0, 0, 0, 0}, store}).fits);  // a step too many
  CHECK(!form_of({x, {Pw::scale, 0, 0, 0, 1}, {Pw::tanh, 0, 0, 0, 0}, y, add, store}).fits);
  CHECK(!form_of({x}, 1).fits);                                                       // a register that nothing has written
}

TEST_CASE("every form computes what its program says") {
  constexpr Pw kSteps[] = {PwForm::kNone, Pw::scale, Pw::tanh, Pw::relu, Pw::leaky_relu, Pw::step, Pw::leaky_mask};
  const int64_t rows = 6, cols = 50;
  const Value x = random({rows, cols}, 1), y = random({3}, 2);
  for (Pw both : {PwForm::kNone, Pw::add, Pw::sub, Pw::mul})
    for (size_t first = 0; first < std::size(kSteps); ++first)
      for (size_t last = 0; last < std::size(kSteps); ++last) {
        PwText text{rows, cols, {{rows, cols, 1}, {3, 1, 0}}, 1, {{Pw::input, 0, 0, 0, 0}, {Pw::input, 1, 1, 0, 0}}};
        auto step = [&](Pw op, uint8_t on, float imm) {
          if (op != PwForm::kNone) text.code.push_back({op, on, on, 0, imm});
        };
        step(kSteps[first], 0, 0.7f);
        step(kSteps[(first + last) % std::size(kSteps)], 1, -1.3f);
        if (both != PwForm::kNone) text.code.push_back({both, 0, 0, 1, 0});
        step(kSteps[last], 0, 0.3f);
        text.code.push_back({Pw::store, 0, 0, 0, 0});
        CHECK(PwForm::of(text.code.data(), static_cast<int>(text.code.size()), -1).fits);
        check_op({"pointwise", {x, y}, {f32({rows, cols})}, text.attributes()}, 1e-6, 1, 1);
      }
}
