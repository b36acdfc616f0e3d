// The kernels of one source file behind one C function. EMULATED_SOURCE: the file; EMULATED_KERNELS: KERNEL(name) for each.
#include "emulated_cuda.h"
#include "formats.cuh"
#include EMULATED_SOURCE

template <class T> T at(void** arguments, int i) { return *(T*)arguments[i]; }
template <class... T, std::size_t... I>
void call(void (*kernel)(T...), void** arguments, std::index_sequence<I...>) { kernel(at<T>(arguments, I)...); }
template <class... T>
void run(void (*kernel)(T...), int gx, int gy, int gz, int threads, int shared, void** arguments) {
    emulate(gx, gy, gz, threads, shared, [=] { call(kernel, arguments, std::index_sequence_for<T...>()); });
}

extern "C" int launch(const char* name, int gx, int gy, int gz, int threads, int shared, void** arguments) {
#define KERNEL(k) if (!std::strcmp(name, #k)) { run(k, gx, gy, gz, threads, shared, arguments); return 0; }
    EMULATED_KERNELS
    return 1;
}
