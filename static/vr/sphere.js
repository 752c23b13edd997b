// Draws a film around the viewer: one triangle over the eye's view, whose shader finds for each direction the film's point there.

const VERTEX = `#version 300 es
uniform mat3 turn;
uniform vec4 lens;
out vec3 way;
void main() {
  vec2 at = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0;
  way = turn * vec3((at + lens.zw) * lens.xy, -1.0);
  gl_Position = vec4(at, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D film;
uniform vec4 part;
uniform vec2 grain;
uniform vec2 reach;
uniform int shape;
uniform float light;
in vec3 way;
out vec4 colour;
const float PI = 3.14159265;

vec2 cube(vec3 d) {
  vec3 size = abs(d);
  vec2 at, cell;
  if (size.z >= max(size.x, size.y)) {
    cell = d.z > 0.0 ? vec2(1, 0) : vec2(1, 1);
    at = d.z > 0.0 ? d.xy / d.z : vec2(d.y, d.x) / d.z;
  } else if (size.x >= size.y) {
    cell = d.x > 0.0 ? vec2(2, 0) : vec2(0, 0);
    at = vec2(-d.z / d.x, d.y / size.x);
  } else {
    cell = d.y > 0.0 ? vec2(0, 1) : vec2(2, 1);
    at = vec2(-d.z, d.y > 0.0 ? -d.x : d.x) / d.y;
  }
  at = clamp(atan(at) * 2.0 / PI + 0.5, grain * vec2(3, 2), 1.0 - grain * vec2(3, 2));
  return (cell + at) / vec2(3, 2);
}

void main() {
  vec3 d = normalize(way);
  vec2 at = vec2(atan(d.x, -d.z) / (2.0 * PI), -asin(clamp(d.y, -1.0, 1.0)) / PI) + 0.5;
  if (shape == 0) at = d.z < 0.0 ? vec2(d.x, -d.y) / -d.z / reach * 0.5 + 0.5 : vec2(9.0);
  else if (shape == 1) at.x = at.x * 2.0 - 0.5;
  else if (shape == 3) at = normalize(vec2(d.x, -d.y) + 1e-9) * acos(clamp(-d.z, -1.0, 1.0)) / reach * 0.5 + 0.5;
  else if (shape == 4) at = cube(vec3(d.x, -d.y, -d.z));
  bool beyond = shape == 3 ? length(at - 0.5) > 0.5 : any(greaterThan(abs(at - 0.5), vec2(0.5)));
  vec3 seen = texture(film, part.xy + clamp(at, grain, 1.0 - grain) * part.zw).rgb;
  colour = vec4(beyond ? vec3(0) : seen * light, 1);
}`;

export const SHAPES = ["flat", "equirect180", "equirect360", "fisheye", "eac"];
const SCREEN = Math.tan(Math.PI * 35 / 180); // half the width of a flat film's screen at a distance of 1

/** A linked program, and its uniforms by name. Throws what the driver says. */
export function build(gl, vertex, fragment) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  const names = [...Array(gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS)).keys()];
  const at = Object.fromEntries(names.map((number) => gl.getActiveUniform(program, number).name)
    .map((name) => [name, gl.getUniformLocation(program, name)]));
  return { program, at };
}

export function texture(gl) {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.LINEAR);
  return made;
}

/** The part of the picture that an eye sees, as left, top, width, height. */
function partOf({ stereo, swapped }, eye) {
  const second = (eye === "right") !== swapped ? 0.5 : 0;
  if (stereo === "sbs") return [second, 0, 0.5, 1];
  return stereo === "tb" ? [0, second, 1, 0.5] : [0, 0, 1, 1];
}

/** Half the width and height of a flat film's screen. A squeezed half takes the whole picture's form. */
function screen(width, height, [, , wide, high]) {
  let form = (width * wide) / (height * high);
  if ((wide < 1 && form < 1.2) || (high < 1 && form > 2.8)) form = width / height;
  return form > 1 ? [SCREEN, SCREEN / form] : [SCREEN * form, SCREEN];
}

export class Sphere {
  constructor(gl) {
    this.gl = gl;
    Object.assign(this, build(gl, VERTEX, FRAGMENT));
    this.film = texture(gl);
    this.size = null;
  }

  /** Take over the video's present picture. */
  upload(video) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.film);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, video);
    this.size = [video.videoWidth, video.videoHeight];
  }

  /** Nothing is drawn until the next picture comes. */
  forget() { this.size = null; }

  /** Draw over the whole viewport. `m` turns directions of the view to those of the film; `light` is 0 for black to 1. */
  draw(projection, eye, m, lens, light) {
    if (!this.size) return;
    const { gl, at } = this;
    const part = partOf(projection, eye);
    const half = ((projection.fov || 180) * Math.PI) / 360;
    gl.useProgram(this.program);
    gl.bindTexture(gl.TEXTURE_2D, this.film);
    gl.uniformMatrix3fv(at.turn, false, [m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]]);
    gl.uniform4fv(at.lens, lens);
    gl.uniform4fv(at.part, part);
    gl.uniform2f(at.grain, 0.5 / (this.size[0] * part[2]), 0.5 / (this.size[1] * part[3]));
    gl.uniform2fv(at.reach, projection.shape === "flat" ? screen(...this.size, part) : [half, half]);
    gl.uniform1i(at.shape, SHAPES.indexOf(projection.shape));
    gl.uniform1f(at.light, light);
    gl.disable(gl.BLEND);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}
