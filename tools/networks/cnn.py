"""ResNet-50 and MobileNetV2 of torchvision, narrow and of full depth, with seeded weights."""

import dataclasses

import torch
import torchvision.models.mobilenetv2 as mobilenetv2
import torchvision.models.resnet as resnet
from torchvision.ops.misc import Conv2dNormActivation

CLASSES = 32
LAST = 160  # channels before the classifier of MobileNetV2
IMAGE = 64  # rows and columns of a picture


@dataclasses.dataclass
class Network:
    """A module and how it is exported. dynamic_axes: {input or output: {axis: name}}."""

    module: torch.nn.Module
    example: tuple
    inputs: list
    outputs: list
    dynamic_axes: dict
    variadic: int = 0  # inputs from this one on are the module's *arguments; 0: it has none

    def dynamic_shapes(self):
        """What torch.export wants, for the inputs in order."""
        shapes = tuple(dict.fromkeys(self.dynamic_axes[name], torch.export.Dim.DYNAMIC) for name in self.inputs)
        return (*shapes[: self.variadic], shapes[self.variadic :]) if self.variadic else shapes


class NarrowResNet(resnet.ResNet):
    """Every width divided by DIVISOR: the class itself narrows only the middle of a block."""

    DIVISOR = 16

    def __init__(self, layers, classes):
        super().__init__(resnet.Bottleneck, layers, num_classes=classes)
        narrow = 64 // self.DIVISOR
        self.conv1 = torch.nn.Conv2d(3, narrow, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(narrow)
        self.fc = torch.nn.Linear(512 // self.DIVISOR * resnet.Bottleneck.expansion, classes)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        if self.inplanes == 64 and planes == 64:
            self.inplanes = 64 // self.DIVISOR
        return super()._make_layer(block, planes // self.DIVISOR, blocks, stride, dilate)


def resnet50():
    return pictures(NarrowResNet([3, 4, 6, 3], CLASSES), seed=50)


def mobilenet_v2():
    """The class does not narrow its last layers."""
    module = mobilenetv2.MobileNetV2(num_classes=CLASSES, width_mult=0.125, round_nearest=4)
    channels = module.features[-1][0].in_channels
    module.features[-1] = Conv2dNormActivation(channels, LAST, kernel_size=1, activation_layer=torch.nn.ReLU6)
    module.classifier[1] = torch.nn.Linear(LAST, CLASSES)
    return pictures(module, seed=2)


def pictures(module, seed):
    generator = torch.Generator().manual_seed(seed)
    fill(module, generator)
    images = torch.randn(1, 3, IMAGE, IMAGE, generator=generator)
    return Network(
        module, (images,), ["pixels"], ["logits"], {"pixels": {0: "batch"}, "logits": {0: "batch"}}
    )


def fill(module, generator):
    """He's initialisation; statistics of normalisations as random pictures give them, so that no layer fades."""
    damped = []
    for part in module.modules():
        if isinstance(part, (torch.nn.Conv2d, torch.nn.Linear)):
            fan_in = part.weight[0].numel()
            part.weight.data.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
            if part.bias is not None:
                part.bias.data.normal_(0, 0.1, generator=generator)
        elif isinstance(part, torch.nn.BatchNorm2d):
            part.weight.data.uniform_(0.5, 1.5, generator=generator)
            part.bias.data.normal_(0, 0.2, generator=generator)
            part.momentum = None  # statistics are the mean over all batches
        if isinstance(part, resnet.Bottleneck):
            damped.append(part.bn3)  # as training does; else errors grow from block to block
        elif isinstance(part, mobilenetv2.InvertedResidual):
            damped.append(part.conv[-1])
    for part in damped:
        part.weight.data.mul_(0.3)
    module.train()
    with torch.no_grad():
        module(torch.randn(32, 3, IMAGE, IMAGE, generator=generator))
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = 0.1
    module.eval()
