# For tools that look for binding.gyp: CMakeLists.txt knows how the addon is built, cmake-js calls it. Its files go to
# build/cmake, since node-gyp keeps its own in build/; the loader's place is build/Release/thaw.node.
{
  "targets": [
    {
      "target_name": "thaw",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["<(module_root_dir)/build/cmake/Release/thaw.node"],
          "action": ["node", "<(module_root_dir)/node_modules/cmake-js/bin/cmake-js", "build", "--config", "Release", "--out", "<(module_root_dir)/build/cmake"]
        }
      ],
      "copies": [
        {
          "destination": "<(module_root_dir)/build/Release",
          "files": ["<(module_root_dir)/build/cmake/Release/thaw.node"]
        }
      ]
    }
  ]
}
