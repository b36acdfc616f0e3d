// Number formats and helpers of all kernels; nvrtc.py puts this in front of each source.
//
// Given as a macro: IO, the type of the tensors (0 float32, 1 float16, 2 bfloat16); all arithmetic is float32.
// Spelled out here, since CUDA's own headers are not on every computer that can run this.

typedef long long i64;

#define FULL 0xffffffffu
#define LOG2E 1.4426950408889634f
#define LN2 0.6931471805599453f

#ifndef EMULATED
__device__ __forceinline__ float half_to_float(unsigned short x) { float f; asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(x)); return f; }
__device__ __forceinline__ unsigned short float_to_half(float f) { unsigned short x; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(x) : "f"(f)); return x; }
__device__ __forceinline__ float exp2_fast(float x) { float y; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
__device__ __forceinline__ float log2_fast(float x) { float y; asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
#endif

__device__ __forceinline__ float bfloat_to_float(unsigned short x) { return __uint_as_float((unsigned)x << 16); }
__device__ __forceinline__ unsigned short float_to_bfloat(float f) {
    unsigned bits = __float_as_uint(f);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (unsigned short)((bits >> 16) | 0x40u);  // stays not-a-number
    return (unsigned short)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);               // to nearest, ties to even
}

struct Float { float bits; };
struct Half { unsigned short bits; };
struct Bfloat { unsigned short bits; };
__device__ __forceinline__ float get(Float x) { return x.bits; }
__device__ __forceinline__ float get(Half x) { return half_to_float(x.bits); }
__device__ __forceinline__ float get(Bfloat x) { return bfloat_to_float(x.bits); }
__device__ __forceinline__ void put(Float* p, float f) { p->bits = f; }
__device__ __forceinline__ void put(Half* p, float f) { p->bits = float_to_half(f); }
__device__ __forceinline__ void put(Bfloat* p, float f) { p->bits = float_to_bfloat(f); }

#if IO == 0
typedef Float Io;
#elif IO == 1
typedef Half Io;
#else
typedef Bfloat Io;
#endif

#define PACK (16 / sizeof(Io))  // elements in a 16-byte load
struct alignas(16) Pack { Io v[PACK]; };

__device__ __forceinline__ float sigmoid(float x) { return 1.f / (1.f + exp2_fast(-x * LOG2E)); }
