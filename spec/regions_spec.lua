local regions = require "codearts.build.regions"

local function env(variables)
  return function(name)
    return variables[name]
  end
end

describe("regions", function()
  it("knows the endpoint of each", function()
    assert.equal(12, #regions.known)
    for _, region in ipairs(regions.known) do
      assert.equal(
        "https://cloudbuild-ext." .. region .. ".myhuaweicloud.com",
        regions.endpoint(region, env {})
      )
      assert.equal(
        "https://iam." .. region .. ".myhuaweicloud.com",
        regions.iam_endpoint(region, env {})
      )
    end
  end)

  it("answers nothing for others", function()
    assert.is_nil(regions.endpoint("eu-west-0", env {}))
    assert.is_nil(regions.endpoint("", env {}))
  end)

  it("takes the official override, also for regions that it does not know", function()
    local variables = env {
      HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = "a.example,https://b.example",
      HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_XX_NEW_1 = "c.example",
      HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_1 = "",
    }
    assert.equal("a.example,https://b.example", regions.endpoint("cn-north-4", variables))
    assert.equal("c.example", regions.endpoint("xx-new-1", variables))
    assert.equal(
      "https://cloudbuild-ext.cn-north-1.myhuaweicloud.com",
      regions.endpoint("cn-north-1", variables)
    )
  end)

  it("finds the IAM endpoint: override, region, global", function()
    assert.equal(
      "https://x",
      regions.iam_endpoint("cn-north-4", env { HUAWEICLOUD_SDK_IAM_ENDPOINT = "https://x" })
    )
    assert.equal(
      "https://iam.eu-west-0.myhuaweicloud.com",
      regions.iam_endpoint("eu-west-0", env {})
    )
    assert.equal("https://iam.myhuaweicloud.com", regions.iam_endpoint("xx-new-1", env {}))
    assert.equal("https://iam.myhuaweicloud.com", regions.iam_endpoint(nil, env {}))
  end)
end)
