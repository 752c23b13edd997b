// What floats in front of the film: the panel, the rays of hands and controllers, and the dot where a ray meets the panel.
import { build, texture } from "./sphere.js";
import { along, cross, minus, placed, times, unit } from "./space.js";

const VERTEX = `#version 300 es
uniform mat4 place;
out vec2 at;
void main() {
  at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  gl_Position = place * vec4(at - 0.5, 0.0, 1.0);
}`;

// Kinds: 0 the panel's picture, 1 a beam that fades towards its end, 2 a dot, 3 a dot with a ring that fills.
const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D picture;
uniform int kind;
uniform float strength;
uniform float filled;
in vec2 at;
out vec4 colour;
void main() {
  vec2 off = at - 0.5;
  float far = length(off) * 2.0;
  if (kind == 0) colour = texture(picture, vec2(at.x, 1.0 - at.y));
  else if (kind == 1) colour = vec4(smoothstep(1.0, 0.0, abs(off.x) * 2.0) * (1.0 - at.y) * 0.7);
  else {
    float inner = kind == 2 ? 0.55 : 0.3;
    float core = smoothstep(inner + 0.1, inner, far);
    float round = fract(atan(off.x, off.y) / 6.2831853 + 1.0);
    float ring = smoothstep(0.14, 0.06, abs(far - 0.78)) * (kind == 3 ? (round < filled ? 1.0 : 0.25) : 0.0);
    float dark = smoothstep(1.0, 0.5, far) * 0.45;
    colour = vec4(vec3(max(core, ring)), max(max(core, ring), dark));
  }
  colour *= strength;
}`;

const BEAM_M = 0.008;
const DOT_M = 0.026;

export class Surface {
  constructor(gl) {
    this.gl = gl;
    Object.assign(this, build(gl, VERTEX, FRAGMENT));
    this.picture = texture(gl);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  }

  upload(canvas) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.picture);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, canvas);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.generateMipmap(gl.TEXTURE_2D);
  }

  /** Begin to draw for a view: `seen` is its projection times the inverse of its pose. */
  begin(seen, eye) {
    const { gl } = this;
    Object.assign(this, { seen, eye });
    gl.useProgram(this.program);
    gl.bindTexture(gl.TEXTURE_2D, this.picture);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  panel(place, strength) { this.#draw(0, place, strength); }

  beam({ from, way }, metres) {
    const side = unit(cross(way, minus(this.eye, from)));
    this.#draw(1, placed(along([0, 0, 0], side, BEAM_M), along([0, 0, 0], way, metres), way, along(from, way, metres / 2)), 1);
  }

  /** The dot at a point, facing the eye; `filled`, 0 to 1, is how much of its ring is full, for those who choose by looking. */
  dot(point, filled = null) {
    const back = unit(minus(this.eye, point));
    const side = unit(cross([0, 1, 0], back));
    const size = filled === null ? DOT_M : 2 * DOT_M;
    this.gl.uniform1f(this.at.filled, filled ?? 0);
    const up = cross(back, side);
    this.#draw(filled === null ? 2 : 3, placed(along([0, 0, 0], side, size), along([0, 0, 0], up, size), back, along(point, back, 0.004)), 1);
  }

  #draw(kind, place, strength) {
    const { gl, at } = this;
    gl.uniformMatrix4fv(at.place, false, times(this.seen, place));
    gl.uniform1i(at.kind, kind);
    gl.uniform1f(at.strength, strength);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }
}
