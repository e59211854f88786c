#include "engine/auroc.h"

#include <cmath>
#include <limits>

#include "engine/random.h"
#include "test/check.h"

using namespace thaw;

namespace {

/** The definition: all pairs. */
double byPairs(const std::vector<float>& scores, const std::vector<std::uint8_t>& positive) {
  double wins = 0, pairs = 0;
  for (std::size_t i = 0; i < scores.size(); i++)
    for (std::size_t j = 0; j < scores.size(); j++)
      if (positive[i] && !positive[j]) {
        wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
        pairs++;
      }
  return wins / pairs;
}

}  // namespace

TEST("AUROC equals the share of won pairs, with and without ties, for few and many rows") {
  AurocScratch scratch;
  for (const std::size_t count : {2u, 7u, 100u, 1023u, 1024u, 2500u}) {
    for (const int levels : {3, 1000000}) {
      RandomStream random(static_cast<std::uint32_t>(count), 1);
      std::vector<float> scores(count);
      std::vector<std::uint8_t> positive(count);
      for (std::size_t i = 0; i < count; i++) {
        scores[i] = static_cast<float>(std::floor(random.uniform() * levels) - levels / 2) * 0.01f;
        positive[i] = i < 1 || (i > 1 && random.uniform() < 0.3) ? 1 : 0;
      }
      CHECK_NEAR(auroc(scores, positive, scratch), byPairs(scores, positive), 1e-12);
    }
  }
}

TEST("minus zero ties with zero, infinities are scores, a missing class or a NaN has no AUROC") {
  AurocScratch scratch;
  const auto of = [&](std::vector<float> scores, std::vector<std::uint8_t> positive) {
    return auroc(scores, positive, scratch);
  };
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(of({-0.0f, 0.0f}, {1, 0}) == 0.5);
  CHECK(of({infinity, 1, -infinity}, {1, 0, 0}) == 1);
  CHECK(std::isnan(of({1, 2}, {1, 1})));
  CHECK(std::isnan(of({1, 2}, {0, 0})));
  CHECK(std::isnan(of({1, std::nanf("")}, {0, 1})));
}
