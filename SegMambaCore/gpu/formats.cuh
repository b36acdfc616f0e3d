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
__device__ __forceinline__ float reciprocal_fast(float x) { float y; asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }

#if __CUDA_ARCH__ >= 800
// d = a b + c on the tensor cores, a 16 x 8, b 8 x 8, of whose numbers the upper 19 bits count. In lane 4 r + c:
// a0 row r, column c; a1 row r + 8; a2, a3 the same of column c + 4; b0 row c, column r; b1 row c + 4; d row r (r + 8), columns 2 c, 2 c + 1.
__device__ __forceinline__ float4 multiply_8(float a0, float a1, float a2, float a3, float b0, float b1, float4 c) {
    float4 d;
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
        : "=f"(d.x), "=f"(d.y), "=f"(d.z), "=f"(d.w)
        : "r"(__float_as_uint(a0)), "r"(__float_as_uint(a1)), "r"(__float_as_uint(a2)), "r"(__float_as_uint(a3)),
          "r"(__float_as_uint(b0)), "r"(__float_as_uint(b1)), "f"(c.x), "f"(c.y), "f"(c.z), "f"(c.w));
    return d;
}
#endif
#endif

__device__ __forceinline__ float bfloat_to_float(unsigned short x) { return __uint_as_float((unsigned)x << 16); }
__device__ __forceinline__ unsigned short float_to_bfloat(float f) {
#if __CUDA_ARCH__ >= 800
    unsigned short x;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(x) : "f"(f));
    return x;
#else
    unsigned bits = __float_as_uint(f);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (unsigned short)((bits >> 16) | 0x40u);  // stays not-a-number
    return (unsigned short)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);               // to nearest, ties to even
#endif
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

__device__ __forceinline__ float sigmoid(float x) { return reciprocal_fast(1.f + exp2_fast(-x * LOG2E)); }
