#include "engine/thread_pool.h"

#include <stdexcept>

#include "test/check.h"

using namespace thaw;

TEST("every index is taken once, by a thread of the pool") {
  for (const std::size_t threads : {1u, 2u, 5u}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const std::size_t count : {0u, 1u, 2u, 1000u}) {
      std::vector<std::atomic<int>> taken(count);
      std::atomic<bool> known = true;
      for (int round = 0; round < 3; round++)
        pool.forEach(count, [&](std::size_t index, std::size_t thread) {
          taken[index]++;
          if (thread >= threads) known = false;
        });
      for (const auto& times : taken) CHECK(times == 3);
      CHECK(known);
    }
  }
}

TEST("an exception comes out once and the pool goes on") {
  ThreadPool pool(3);
  for (int round = 0; round < 20; round++) {
    CHECK_MESSAGE("number 7", pool.forEach(100, [](std::size_t index, std::size_t) {
      if (index == 7) throw std::runtime_error("number 7");
    }));
    std::atomic<int> sum = 0;
    pool.forEach(10, [&](std::size_t index, std::size_t) { sum += static_cast<int>(index); });
    CHECK(sum == 45);
  }
}
