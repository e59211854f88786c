#include <exception>

#include "test/check.h"

int main() {
  for (const check::Test& test : check::tests()) {
    const int before = check::failures();
    try {
      test.body();
    } catch (const std::exception& error) {
      check::report(false, test.name, 0, std::string("unexpected exception: ") + error.what());
    }
    std::printf("%s %s\n", check::failures() == before ? "ok  " : "FAIL", test.name);
  }
  return check::failures() == 0 ? 0 : 1;
}
