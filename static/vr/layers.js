// Where the pictures for the eyes go. Where the browser has media layers, the system itself shows the film, sharper and at less cost,
// below a clear layer for the panel; else one layer holds all.

const HALF = Math.PI / 2;
const LAYOUTS = { mono: "mono", sbs: "stereo-left-right", tb: "stereo-top-bottom" };
const FINEST = 1.4; // more points than this for each that the browser proposes cost more than they show

export class Layers {
  constructor(session, gl) {
    Object.assign(this, { session, gl, film: null });
    try {
      this.media = new XRMediaBinding(session);
      this.binding = new XRWebGLBinding(session, gl);
      this.clear = this.binding.createProjectionLayer();
      session.updateRenderState({ layers: [this.clear] });
      this.buffer = gl.createFramebuffer();
    } catch { // no layers here, or not in this session
      this.clear = null;
      const finest = XRWebGLLayer.getNativeFramebufferScaleFactor?.(session) ?? 1;
      const options = { antialias: false, depth: false, framebufferScaleFactor: Math.min(FINEST, Math.max(1, finest)) };
      session.updateRenderState({ baseLayer: this.base = new XRWebGLLayer(session, gl, options) });
    }
  }

  /** Give the film to a media layer where its projection allows that. Whether it shows there is in `film`. */
  show(video, { shape, stereo, swapped }, space, facing) {
    if (!this.clear) return;
    this.film?.destroy?.();
    this.film = null;
    const whole = { equirect180: Math.PI, equirect360: 2 * Math.PI }[shape];
    try {
      if (whole && !swapped) {
        this.film = this.media.createEquirectLayer(video, {
          space, layout: LAYOUTS[stereo], centralHorizontalAngle: whole, upperVerticalAngle: HALF, lowerVerticalAngle: -HALF,
        });
        this.face(facing);
      }
      this.session.updateRenderState({ layers: this.film ? [this.film, this.clear] : [this.clear] });
    } catch {
      this.film = null; // the shader shows it
      this.session.updateRenderState({ layers: [this.clear] });
    }
  }

  /** Turn the film's front to `yaw` and `pitch`. */
  face([yaw, pitch]) {
    const [sy, cy, sp, cp] = [Math.sin(yaw / 2), Math.cos(yaw / 2), Math.sin(pitch / 2), Math.cos(pitch / 2)];
    if (this.film) this.film.transform = new XRRigidTransform({}, { x: cy * sp, y: sy * cp, z: -sy * sp, w: cy * cp });
  }

  /** Draw into the view from here on, which is cleared: to black, or where a media layer shows the film to as much black as `dark`. */
  begin(view, dark) {
    const { gl } = this;
    const part = this.clear && this.binding.getViewSubImage(this.clear, view);
    const { x, y, width, height } = part ? part.viewport : this.base.getViewport(view);
    gl.bindFramebuffer(gl.FRAMEBUFFER, part ? this.buffer : this.base.framebuffer);
    if (part) gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, part.colorTexture, 0);
    gl.viewport(x, y, width, height);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(x, y, width, height);
    gl.clearColor(0, 0, 0, this.film ? dark : 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }
}
