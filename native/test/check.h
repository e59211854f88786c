#pragma once

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

// The tests' own frame: TEST("what holds") { CHECK(…); } registers, main (check_main.cpp) runs and counts.
namespace check {

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Registered {
  Registered(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

inline void report(bool ok, const char* file, int line, const std::string& what) {
  if (ok) return;
  std::printf("%s:%d: %s\n", file, line, what.c_str());
  failures()++;
}

/** |a − b| ≤ tolerance · max(1, |b|) */
inline void reportNear(double a, double b, double tolerance, const char* file, int line) {
  const bool ok = std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
  report(ok, file, line, "expected " + std::to_string(b) + " but received " + std::to_string(a));
}

/** The message of the exception that `work` throws, "" where it throws none. */
inline std::string messageOf(const std::function<void()>& work) {
  try {
    work();
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace check

#define CHECK_JOIN2(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN2(a, b)
#define TEST(name)                                                                                   \
  static void CHECK_JOIN(test, __LINE__)();                                                          \
  static const check::Registered CHECK_JOIN(registered, __LINE__)(name, CHECK_JOIN(test, __LINE__)); \
  static void CHECK_JOIN(test, __LINE__)()
#define CHECK(condition) check::report((condition), __FILE__, __LINE__, "not true: " #condition)
#define CHECK_NEAR(a, b, tolerance) check::reportNear((a), (b), (tolerance), __FILE__, __LINE__)
#define CHECK_MESSAGE(expected, ...)                                                                    \
  do {                                                                                                  \
    const std::string received = check::messageOf([&] { __VA_ARGS__; });                                \
    check::report(                                                                                      \
        received.find(expected) != std::string::npos, __FILE__, __LINE__,                               \
        "expected a message with \"" + std::string(expected) + "\" but received \"" + received + "\""); \
  } while (false)
