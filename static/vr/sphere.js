// Draws the film around the viewer, and things before it.

const VERTEX = `#version 300 es
uniform mat4 place, turn;
uniform vec4 lens;
out vec2 at;
out vec3 way;
void main() {
  at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  way = mat3(turn) * vec3((at * 2.0 - 1.0 + lens.zw) * lens.xy, -1);
  gl_Position = place * vec4(at - 0.5, 0, 1);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D picture;
uniform vec4 part;
uniform vec2 grain, reach;
uniform float kind, light;
in vec2 at;
in vec3 way;
out vec4 colour;
const float PI = 3.14159265;

vec2 cube(vec3 d) {
  vec3 size = abs(d);
  vec2 at, cell;
  if (size.z >= max(size.x, size.y)) {
    cell = vec2(1, d.z > 0.0 ? 0 : 1);
    at = (d.z > 0.0 ? d.xy : d.yx) / d.z;
  } else if (size.x >= size.y) {
    cell = vec2(d.x > 0.0 ? 2 : 0, 0);
    at = vec2(-d.z / d.x, d.y / size.x);
  } else {
    cell = vec2(d.y > 0.0 ? 0 : 2, 1);
    at = vec2(-d.z / d.y, -d.x / size.y);
  }
  return (cell + clamp(atan(at) * 2.0 / PI + 0.5, grain * 3.0, 1.0 - grain * 3.0)) / vec2(3, 2);
}

vec4 thing() {
  vec2 off = at - 0.5;
  float far = length(off) * 2.0;
  if (kind == 5.0) return texture(picture, vec2(at.x, 1.0 - at.y));
  if (kind == 6.0) return vec4(smoothstep(0.5, 0.0, abs(off.x)) * (1.0 - at.y) * 0.6);
  return vec4(vec3(smoothstep(0.6, 0.5, far)), smoothstep(1.0, 0.5, far));
}

void main() {
  if (kind > 4.0) { colour = thing() * light; return; }
  vec3 d = normalize(way);
  vec2 to = vec2(d.x, -d.y);
  vec2 at = vec2(atan(d.x, -d.z) / PI * 0.5, -asin(clamp(d.y, -1.0, 1.0)) / PI);
  if (kind == 0.0) at = d.z < 0.0 ? to / -d.z / reach * 0.5 : vec2(9);
  if (kind == 1.0) at.x *= 2.0;
  if (kind == 3.0) at = normalize(to + 1e-9) * acos(clamp(-d.z, -1.0, 1.0)) / reach * 0.5;
  if (kind == 4.0) at = cube(vec3(to, -d.z)) - 0.5;
  bool beyond = (kind == 3.0 ? length(at) : max(abs(at.x), abs(at.y))) > 0.5;
  vec2 spot = part.xy + clamp(at + 0.5, grain, 1.0 - grain) * part.zw;
  colour = vec4(beyond ? vec3(0) : texture(picture, spot).rgb * light, 1);
}`;

const KINDS = ["flat", "equirect180", "equirect360", "fisheye", "eac", "panel", "beam", "dot"];
const SCREEN = Math.tan((35 * Math.PI) / 180);

export class Sphere {
  constructor(gl) {
    this.gl = gl;
    this.program = gl.createProgram();
    for (const [kind, text] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    gl.useProgram(this.program);
    gl.enable(gl.BLEND);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    [this.film, this.panel] = [gl.LINEAR, gl.LINEAR_MIPMAP_LINEAR].map((filter) => {
      const texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
      return texture;
    });
  }

  upload(source, texture = this.film) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, source);
    if (texture === this.panel) gl.generateMipmap(gl.TEXTURE_2D);
    else this.size = [source.videoWidth, source.videoHeight];
  }

  /** Fill the view. `turn` leads from its directions to the film's; `light` is 0 to 1. */
  around({ shape, stereo, swapped, fov }, eye, turn, lens, light) {
    if (!this.size) return;
    const [width, height] = this.size;
    const second = (eye === "right") !== swapped ? 0.5 : 0;
    const [left, top, wide, high] = { sbs: [second, 0, 0.5, 1], tb: [0, second, 1, 0.5] }[
      stereo
    ] ?? [0, 0, 1, 1];
    let form = (width * wide) / (height * high);
    // halves squeezed into one picture
    if ((wide < 1 && form < 1.2) || (high < 1 && form > 2.8)) form = width / height;
    const half = ((fov || 180) * Math.PI) / 360;
    const reach = shape === "flat" ? [SCREEN, SCREEN / form] : [half, half];
    this.set({
      lens,
      turn,
      reach,
      part: [left, top, wide, high],
      grain: [0.5 / width / wide, 0.5 / height / high],
    });
    this.thing(shape, new DOMMatrix().scale(2, 2), light, this.film);
  }

  thing(kind, place, light, texture = this.panel) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, texture);
    this.set({ place, light, kind: KINDS.indexOf(kind) });
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) {
      const at = this.gl.getUniformLocation(this.program, name);
      if (value.is2D !== undefined) this.gl.uniformMatrix4fv(at, false, value.toFloat32Array());
      else this.gl[`uniform${value.length ?? 1}fv`](at, value.length ? value : [value]);
    }
  }
}
