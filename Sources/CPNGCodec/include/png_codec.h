#pragma once
#include <stddef.h>
#include <stdint.h>

// PNG reading and writing over libpng.
//
// libpng reports errors by longjmp, which must not cross Swift frames; these functions catch it and return a status and a
// message instead. Nothing here is shared: different readers may be used by different threads.

/// The bytes of an error message with its terminating zero.
#define PNG_CODEC_MESSAGE_SIZE 160

typedef struct png_codec_reader png_codec_reader;

/// What the header says; `channels` counts the values per pixel that png_codec_read writes:
/// 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
typedef struct {
  uint32_t width;
  uint32_t height;
  int channels;
} png_codec_info;

/// Reads everything before the pixels of the file `bytes[0..<size]`, which must outlive the reader.
/// Allocates nothing that depends on the image's size. Returns NULL and sets `message` if the file is no valid PNG.
png_codec_reader *png_codec_open(
    const uint8_t *bytes, size_t size, png_codec_info *info, char message[PNG_CODEC_MESSAGE_SIZE]);

/// Reads all pixels as 8-bit values without any colour correction into `pixels` of height * width * channels bytes, and
/// then the rest of the file. 16-bit values keep their high byte. Returns 0, or -1 and sets `message` if the file is
/// damaged or ends early. May be called once.
int png_codec_read(png_codec_reader *reader, uint8_t *pixels, char message[PNG_CODEC_MESSAGE_SIZE]);

/// Frees the reader.
void png_codec_close(png_codec_reader *reader);

/// Writes an 8-bit image of 1 (gray) or 3 (RGB) channels as a PNG file in memory at zlib level `level` (0 to 9).
/// Returns 0 and sets `bytes` (to be freed with free) and `size`, or returns -1 and sets `message`.
int png_codec_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int level, uint8_t **bytes, size_t *size,
    char message[PNG_CODEC_MESSAGE_SIZE]);

/// The version of libpng in use, such as "1.6.39".
const char *png_codec_library_version(void);
