#include "png_codec.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

struct png_codec_reader {
  png_structp png;
  png_infop info;
  const uint8_t *bytes;
  size_t size;
  size_t offset;
  png_bytepp rows;
  char message[PNG_CODEC_MESSAGE_SIZE];
};

static void set_message(char message[PNG_CODEC_MESSAGE_SIZE], const char *text) {
  strncpy(message, text, PNG_CODEC_MESSAGE_SIZE - 1);
  message[PNG_CODEC_MESSAGE_SIZE - 1] = 0;
}

// The error pointer of every libpng structure here is the message buffer.
static void on_error(png_structp png, png_const_charp text) {
  set_message(png_get_error_ptr(png), text);
  png_longjmp(png, 1);
}

// libpng would print warnings; they are about parts of the file that the pixels don't depend on.
static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
  png_codec_reader *reader = png_get_io_ptr(png);
  if (count > reader->size - reader->offset) png_error(png, "the file ends early");
  memcpy(target, reader->bytes + reader->offset, count);
  reader->offset += count;
}

png_codec_reader *png_codec_open(
    const uint8_t *bytes, size_t size, png_codec_info *info, char message[PNG_CODEC_MESSAGE_SIZE]) {
  png_codec_reader *reader = calloc(1, sizeof *reader);
  if (!reader) {
    set_message(message, "out of memory");
    return NULL;
  }
  reader->bytes = bytes;
  reader->size = size;
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader->message, on_error, on_warning);
  if (reader->png) reader->info = png_create_info_struct(reader->png);
  if (!reader->info) {
    set_message(message, "out of memory, or libpng is another version than at build time");
    png_codec_close(reader);
    return NULL;
  }
  if (setjmp(png_jmpbuf(reader->png))) {
    set_message(message, reader->message);
    png_codec_close(reader);
    return NULL;
  }
  png_structp png = reader->png;
  png_set_read_fn(png, reader, read_bytes);
  // A wrong checksum anywhere means a damaged file.
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  // The caller decides about sizes, before it asks for the pixels.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  // Skips every chunk but IHDR, PLTE, tRNS, IDAT and IEND: colour profiles and gamma are not applied, texts not kept.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_read_info(png, reader->info);

  png_byte color = png_get_color_type(png, reader->info);
  int has_alpha = (color & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, reader->info, PNG_INFO_tRNS);
  info->width = png_get_image_width(png, reader->info);
  info->height = png_get_image_height(png, reader->info);
  info->channels = (color & PNG_COLOR_MASK_COLOR ? 3 : 1) + (has_alpha ? 1 : 0);
  return reader;
}

int png_codec_read(png_codec_reader *reader, uint8_t *pixels, char message[PNG_CODEC_MESSAGE_SIZE]) {
  if (setjmp(png_jmpbuf(reader->png))) {
    set_message(message, reader->message);
    return -1;
  }
  png_structp png = reader->png;
  png_set_expand(png);  // palette to RGB, 1-, 2- and 4-bit gray to 8, tRNS to alpha
  png_set_strip_16(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, reader->info);

  size_t row_bytes = png_get_rowbytes(png, reader->info);
  uint32_t height = png_get_image_height(png, reader->info);
  reader->rows = malloc(height * sizeof *reader->rows);
  if (!reader->rows) png_error(png, "out of memory");
  for (uint32_t row = 0; row < height; row++) reader->rows[row] = pixels + row * row_bytes;
  png_read_image(png, reader->rows);
  png_read_end(png, NULL);
  return 0;
}

void png_codec_close(png_codec_reader *reader) {
  png_destroy_read_struct(&reader->png, &reader->info, NULL);
  free(reader->rows);
  free(reader);
}

typedef struct {
  uint8_t *bytes;
  size_t size;
  size_t capacity;
} output;

static void write_bytes(png_structp png, png_bytep source, size_t count) {
  output *target = png_get_io_ptr(png);
  if (count > target->capacity - target->size) {
    size_t capacity = target->capacity * 2 > target->size + count ? target->capacity * 2 : target->size + count;
    uint8_t *bytes = realloc(target->bytes, capacity);
    if (!bytes) png_error(png, "out of memory");
    target->bytes = bytes;
    target->capacity = capacity;
  }
  memcpy(target->bytes + target->size, source, count);
  target->size += count;
}

static void flush_bytes(png_structp png) { (void)png; }

int png_codec_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int level, uint8_t **bytes, size_t *size,
    char message[PNG_CODEC_MESSAGE_SIZE]) {
  // On the heap, because locals that change after setjmp are lost by longjmp.
  output *target = calloc(1, sizeof *target);
  png_structp png = target ? png_create_write_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning) : NULL;
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    set_message(message, "out of memory, or libpng is another version than at build time");
    png_destroy_write_struct(&png, NULL);
    free(target);
    return -1;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    free(target->bytes);
    free(target);
    return -1;
  }
  png_set_write_fn(png, target, write_bytes, flush_bytes);
  png_set_compression_level(png, level);
  png_set_IHDR(
      png, info, width, height, 8, channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
      PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (uint32_t row = 0; row < height; row++) png_write_row(png, pixels + (size_t)row * width * channels);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  *bytes = target->bytes;
  *size = target->size;
  free(target);
  return 0;
}

const char *png_codec_library_version(void) { return png_get_libpng_ver(NULL); }
