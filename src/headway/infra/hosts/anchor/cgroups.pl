# A run's control groups: one leaf for the anchor, one per command, in the v2 hierarchy and, where that has no controllers
# for memory, pids and cpu, in the v1 trees beside it. In the tree of cpu all commands of a run are in one group, which has
# no bounds: together they have one share of the processors, however many processes and sessions they make.
package Headway::Cgroups;

use strict;

my @KINDS = qw(unified memory pids cpu);

# `unified` is the run's folder in the v2 hierarchy, the others those in the v1 trees; '' for what there is not.
sub new {
    my ( $class, %folders ) = @_;
    my $self = bless {%folders}, $class;
    for my $kind (@KINDS) {
        my $folder = $self->{$kind};
        next if $folder eq '';
        $self->{$kind} = '' if !( make_folder($folder) && make_folder("$folder/cmds") );
    }
    if ( $self->{unified} ne '' ) {
        share_controllers($_) for $self->{unified}, "$self->{unified}/cmds";
        $self->{unified} = '' if !make_folder("$self->{unified}/anchor");
    }
    return $self;
}

# The anchor's own leaf, undef without groups.
sub leaf {
    my ($self) = @_;
    return $self->{unified} eq '' ? undef : "$self->{unified}/anchor";
}

sub folders {
    my ($self) = @_;
    return grep { $_ ne '' } @$self{@KINDS};
}

# Makes the groups of a command, in the v1 trees only those that bound it, and sets its bounds. The bounds that no group
# can hold are left in `unmet`.
sub command {
    my ( $self, $number, %bounds ) = @_;
    my $group = bless { folders => [], unmet => {%bounds}, oom_file => undef, born_in => undef }, 'Headway::Cgroup';
    $group->{shared} = "$self->{cpu}/cmds" if $self->{cpu} ne '';
    for my $kind (@KINDS) {
        next if $self->{$kind} eq '' || !$group->needs($kind);
        my $folder = "$self->{$kind}/cmds/$number";
        next if !make_folder($folder);
        push @{ $group->{folders} }, $folder;
        $group->bound( $kind, $folder );
    }
    return $group;
}

# Removes all groups but the anchor's own, which its opener removes.
sub remove {
    my ($self) = @_;
    for my $folder ( $self->folders ) {
        if ( opendir my $commands, "$folder/cmds" ) {
            rmdir "$folder/cmds/$_" for grep { /^\d+$/ } readdir $commands;
            closedir $commands;
        }
        rmdir "$folder/cmds";
        rmdir $folder;
    }
    return;
}

sub share_controllers {
    my ($folder) = @_;
    my $has = slurp("$folder/cgroup.controllers");
    put( "$folder/cgroup.subtree_control", "+$_" ) for grep { $has =~ /\b$_\b/ } @KINDS;
    return;
}

sub make_folder {
    my ($path) = @_;
    return mkdir($path) || -d $path;
}

sub put {
    my ( $path, $text ) = @_;
    open my $handle, '>', $path or return 0;
    my $done = defined syswrite $handle, $text;
    close $handle;
    return $done;
}

sub slurp {
    my ($path) = @_;
    open my $handle, '<', $path or return '';
    local $/ = undef;
    my $text = readline $handle;
    close $handle;
    return $text // '';
}

package Headway::Cgroup;

my $STROKES = 20;    # some ten milliseconds
my %BOUND_FILES = (
    unified => { memory => 'memory.max',            processes => 'pids.max' },
    memory  => { memory => 'memory.limit_in_bytes', processes => undef },
    pids    => { memory => undef,                   processes => 'pids.max' },
    cpu     => {},
);

# Whether a group of this kind has something to hold: v2 holds the processes together, v1 bounds them only.
sub needs {
    my ( $self, $kind ) = @_;
    my $files = $BOUND_FILES{$kind};
    return $kind eq 'unified' || grep { defined $files->{$_} } keys %{ $self->{unmet} };
}

# The folder in which a process can be born, undef if there is none.
sub cradle {
    my ($self) = @_;
    my $folder = $self->{folders}[0];
    return defined $folder && -e "$folder/cgroup.events" ? $folder : undef;
}

sub bound {
    my ( $self, $kind, $folder ) = @_;
    my $files = $BOUND_FILES{$kind};
    for my $bound ( keys %{ $self->{unmet} } ) {
        my $file = $files->{$bound} // next;
        my $value = $self->{unmet}{$bound};
        next if !-e "$folder/$file" || !Headway::Cgroups::put( "$folder/$file", $value );
        delete $self->{unmet}{$bound};
        next if $bound ne 'memory';
        # What is swapped out counts too: v2 bounds it apart, v1 together with the memory.
        Headway::Cgroups::put( "$folder/memory.swap.max", 0 ) if -e "$folder/memory.swap.max";
        Headway::Cgroups::put( "$folder/memory.memsw.limit_in_bytes", $value ) if -e "$folder/memory.memsw.limit_in_bytes";
        $self->{oom_file} = "$folder/" . ( $kind eq 'unified' ? 'memory.events' : 'memory.oom_control' );
    }
    return;
}

# Moves the calling process into the groups in which it was not born.
sub enter {
    my ($self) = @_;
    for my $folder ( grep { $_ ne ( $self->{born_in} // '' ) } @{ $self->{folders} } ) {
        Headway::Cgroups::put( "$folder/cgroup.procs", 0 ) or die "cannot enter $folder: $!\n";
    }
    Headway::Cgroups::put( "$self->{shared}/cgroup.procs", 0 ) if $self->{shared};
    return;
}

sub exists {
    my ($self) = @_;
    return scalar @{ $self->{folders} };
}

# Kills all processes in the groups: at one stroke where the kernel can, else one by one (to be repeated). The kernel's
# own stroke goes past a process whose first thread has left: what still lives after many is killed one by one too.
sub kill_all {
    my ( $self, $struck ) = @_;
    for my $folder ( @{ $self->{folders} } ) {
        my $at_once = -e "$folder/cgroup.kill" && Headway::Cgroups::put( "$folder/cgroup.kill", 1 );
        return if $at_once && $struck < $STROKES;
        my @pids = split /\n/, Headway::Cgroups::slurp("$folder/cgroup.procs");
        kill KILL => @pids if @pids;
    }
    return;
}

# Every process is in all the groups, so the first answers for all; v2 also knows of groups below.
sub populated {
    my ($self) = @_;
    my $folder = $self->{folders}[0] // return 0;
    my $events = Headway::Cgroups::slurp("$folder/cgroup.events");
    return $events =~ /^populated 1/m ? 1 : 0 if $events ne '';
    return Headway::Cgroups::slurp("$folder/cgroup.procs") ne '' ? 1 : 0;
}

# Whether the kernel killed a process of the command because its memory was used up.
sub ran_out_of_memory {
    my ($self) = @_;
    return 0 if !$self->{oom_file};
    return Headway::Cgroups::slurp( $self->{oom_file} ) =~ /^oom_kill ([1-9]\d*)/m ? 1 : 0;
}

sub remove {
    my ($self) = @_;
    rmdir for @{ $self->{folders} };
    return;
}

1;
