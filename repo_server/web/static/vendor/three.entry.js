// What viewer.js and its tools use of three, and nothing else. README.md says how three.js is made
// from this.
export {
  Box3, BufferGeometry, Color, DirectionalLight, DoubleSide, Float32BufferAttribute, Group,
  HemisphereLight, LineBasicMaterial, LineSegments, Mesh, MeshStandardMaterial, PCFShadowMap,
  PerspectiveCamera, Plane, PlaneGeometry, Raycaster, Scene, ShadowMaterial, Vector2, Vector3,
  WebGLRenderer,
} from "three";
export { OrbitControls } from "three/addons/controls/OrbitControls.js";
export { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
export { toCreasedNormals } from "three/addons/utils/BufferGeometryUtils.js";
